"""Where the files of an audit go, and that they get there whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simenv.audit.observe import CORE
from simenv.audit.report import Report, audit
from simenv.audit.weights import Weights, write_weights
from simenv.audit.weights import weights as weigh
from simenv.dataset.disk import replace_file
from simenv.dataset.read import Dataset
from simenv.errors import InputError
from simenv.view.audit.card import card
from simenv.view.audit.page import audit_html
from simenv.view.audit.thumb import Album

__all__ = ["Written", "write_audit"]


@dataclass(frozen=True, eq=False)
class Written:
    """The audit, and where its files are."""

    report: Report
    page: Path
    json: Path
    card: Path
    weights: Weights | None  # where a file of them was asked for

    @property
    def summary(self) -> str:
        """A line for each verdict, flagged ones marked, and where the page is."""
        lines = [f"{'  ' if own.fine else '! '}{own.text}" for own in self.report.verdicts]
        lines += [] if self.weights is None else [f"  {self.weights.text}"]
        return "\n".join([*lines, str(self.page)])


def write_audit(
    path: str | Path,
    *,
    out: str | Path | None = None,
    tier: str = CORE,
    weights: str | Path | None = None,
) -> Written:
    """Audit the dataset at ``path`` and write audit.html, audit.json and CARD.md.

    Args:
        path: a dataset: its folder, or an .h5 file.
        out: a folder; default: beside the data, which is the folder itself, or ``<file>.audit``.
        tier: of the scenes to look at: ``core``, ``all``, or the name of an edge.
        weights: a CSV file to write, of weights that undo the biases; None: no such file.

    Raises:
        InputError: there is no dataset, no scene of that tier, or ``out`` is no folder.
        StorageError: the disk refused.
    """
    path = Path(path)
    folder = _folder(path, None if out is None else Path(out))
    table = None if weights is None else _table(Path(weights))
    report = audit(path, tier=tier)
    with Dataset(path) as dataset:
        page = audit_html(report, Album(dataset))
    folder.mkdir(exist_ok=True)
    texts = {"audit.html": page, "audit.json": report.text, "CARD.md": card(report)}
    for name, text in texts.items():
        # Text from a damaged file may hold half characters, which UTF-8 cannot say.
        replace_file(folder / name, text.encode(errors="replace"))
    html, json, markdown = (folder / name for name in texts)
    weighed = None if table is None else _weigh(report, table)
    return Written(report, html, json, markdown, weighed)


def _weigh(report: Report, table: Path) -> Weights:
    """Weights of parts, or of scenes where only labels of scenes are flagged, in a file.

    Uniform becomes the class, and what else is flagged of its level, given the axes that it is
    flagged with.
    """
    observed = report.observed
    level = {own.name: own.level for own in observed.variables}
    planned = {own.name for own in observed.variables if own.planned}
    flagged = [pair for pair in report.bias.flagged if pair.factor in planned]
    parts = [pair for pair in flagged if level[pair.label] == "part"]
    own = parts or flagged
    labels = dict.fromkeys(pair.label for pair in own) or ("class",)
    factors = dict.fromkeys(pair.factor for pair in own)
    found = weigh(observed, tuple(labels), tuple(factors))
    write_weights(table, observed, found)
    return found


def _table(path: Path) -> Path:
    if path.suffix.lower() != ".csv":
        raise InputError(f"--weights: {path} does not end in .csv; choose a name that does")
    if not path.absolute().parent.is_dir():
        folder = path.parent
        raise InputError(f"--weights: there is no folder {folder}; make it, or choose another")
    return path


def _folder(path: Path, out: Path | None) -> Path:
    if out is None:
        return path if path.is_dir() else path.with_name(path.name + ".audit")
    if out.exists() and not out.is_dir():
        raise InputError(f"--out: {out} is a file; name a folder")
    if not out.absolute().parent.is_dir():
        raise InputError(f"--out: there is no folder {out.parent}; make it, or choose another")
    return out
