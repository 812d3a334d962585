"""The audit of a dataset as one value: what the page, the JSON and the card say alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simenv.audit.about import About, about
from simenv.audit.bias import Bias, Pair, bias
from simenv.audit.cells import Extreme, extremes
from simenv.audit.coverage import Coverage, coverage
from simenv.audit.coverage import as_json as coverage_json
from simenv.audit.observe import CORE, Observed, observe
from simenv.audit.reject import Rejection, reject
from simenv.audit.similar import Similar, similar
from simenv.audit.verdict import (
    Verdict,
    bias_verdicts,
    coverage_verdicts,
    edge_verdicts,
    rejection_verdicts,
    similar_verdicts,
)
from simenv.errors import InputError

__all__ = ["FORMAT", "Report", "audit", "plain"]

FORMAT = "simenv-audit-1"
ALL = "all"  # the word for scenes of any tier


@dataclass(frozen=True, eq=False)
class Report:
    """What the audit found."""

    tier: str  # of the scenes that the statistics are of: "core", "all", an edge
    about: About
    observed: Observed
    coverage: Coverage
    bias: Bias
    rejection: Rejection
    similar: Similar
    emptiest: tuple[Extreme, ...]
    crowded: tuple[Extreme, ...]

    @property
    def crossed(self) -> tuple[str, ...]:
        """A line for each threshold of the task that is crossed."""
        least = self.observed.task.audit.coverage
        low = [own.text for own in coverage_verdicts(self.coverage, least) if not own.fine]
        return (*low, *self.bias.crossed, *self.rejection.crossed)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What is fine, what is flagged and what to do about it, in words."""
        own = self.observed.task.audit
        return (
            *coverage_verdicts(self.coverage, own.coverage),
            *bias_verdicts(self.bias),
            *rejection_verdicts(self.rejection),
            *similar_verdicts(self.similar),
            *edge_verdicts(self.about),
        )

    @property
    def json(self) -> dict[str, Any]:
        """All numbers as plain values; null where there is none."""
        return {
            "format": FORMAT,
            "tier": self.tier,
            "dataset": plain(self.about),
            "coverage": plain(coverage_json(self.coverage)),
            "bias": [_pair(pair) for pair in self.bias.pairs],
            "rejection": plain(self.rejection) | {"crossed": list(self.rejection.crossed)},
            "similar": plain(self.similar) | {"share": self.similar.share},
            "balance": plain(self.bias.balances),
            "emptiest": plain(self.emptiest),
            "crowded": plain(self.crowded),
            "verdicts": plain(self.verdicts),
            "crossed": list(self.crossed),
        }

    @property
    def text(self) -> str:
        """The JSON file."""
        return json.dumps(self.json, indent=1, allow_nan=False) + "\n"


def audit(path: str | Path, *, tier: str = CORE) -> Report:
    """Audit the dataset at ``path``: the tables alone, no pixel is read.

    Args:
        path: a dataset: its folder, or an .h5 file.
        tier: of the scenes to look at: ``core``, ``all``, or the name of an edge.

    Raises:
        InputError: there is no dataset, or no scene of that tier.
    """
    known = about(path)
    tier = _whole(tier, known)
    observed = observe(path, tier=None if tier == ALL else tier)
    emptiest, crowded = extremes(observed)
    return Report(
        tier=tier,
        about=known,
        observed=observed,
        coverage=coverage(observed),
        bias=bias(observed),
        rejection=reject(observed),
        similar=similar(observed),
        emptiest=emptiest,
        crowded=crowded,
    )


def _whole(tier: str, known: About) -> str:
    """The tier as rows carry it; an edge of an axis may be given without its path.

    Raises:
        InputError: the dataset has no such scenes, or several edges of that name.
    """
    names = [edge.name for edge in known.edges]
    if tier == ALL or tier in names:
        return tier
    found = [name for name in names if name.rpartition("/")[2] == tier]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"--tier: {tier} is an edge of several axes; write {' or '.join(found)}")
    raise InputError(f"--tier: the dataset has no scene of {tier}; there is {', '.join(names)}")


def _pair(pair: Pair) -> dict[str, Any]:
    """Without its table, which only the flagged ones have."""
    own: dict[str, Any] = {
        name: plain(getattr(pair, name))
        for name in ("label", "factor", "kind", "reason", "q", "crossed")
    }
    if (found := pair.found) is None:
        return own
    numbers = ("scenes", "rows", "cramers_v", "correlation", "effect", "p", "text")
    own |= {name: plain(getattr(found, name)) for name in numbers}
    if pair.crossed:
        own |= {name: plain(getattr(found, name)) for name in ("labels", "factors", "table")}
    return own


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: dataclasses by field, arrays as lists, NaN as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {own.name: plain(getattr(value, own.name)) for own in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(own) for key, own in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple | Iterator):
        return [plain(own) for own in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
