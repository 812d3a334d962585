"""What is asked of a split: shares, seed, what is held out; checked, and as it was before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isclose
from pathlib import Path

from simenv.dataset.factors import HoldOut
from simenv.dataset.splits import UNSEEN, Request, Split
from simenv.errors import InputError

__all__ = ["FRACTIONS", "check_name", "parse_fractions", "refuse_other", "request_of"]

FRACTIONS = {"train": 0.8, "val": 0.1, "test": 0.1}
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def parse_fractions(text: str) -> dict[str, float]:
    """``train=0.8,val=0.1,test=0.1``.

    Raises:
        InputError: it is no such list.
    """
    found: dict[str, float] = {}
    for item in text.split(","):
        name, _, number = (word.strip() for word in item.partition("="))
        if not re.fullmatch(r"\d*\.?\d+", number):
            raise InputError(
                f"--fractions: {item!r} is no name=number; write for example train=0.8,val=0.2"
            )
        if name in found:
            raise InputError(f"--fractions: {name} is there twice; keep one")
        found[name] = float(number)
    return found


def check_name(option: str, name: str) -> None:
    """That a split or a part of it can be called so: it becomes the name of a file.

    Raises:
        InputError: it cannot.
    """
    if not NAME.fullmatch(name):
        raise InputError(
            f"{option}: {name!r} is no name of a-z, 0-9 and _; write for example fold_1"
        )


def request_of(
    old: Split | None,
    fractions: Mapping[str, float] | None,
    seed: int | None,
    hold_out: Sequence[str] | None,
) -> Request:
    """What is wanted; None is as it was in the ``old`` split, or FRACTIONS, 0 and nothing.

    Raises:
        InputError: a share, the seed or a factor is wrong.
    """
    before = old.request if old else Request(fractions=FRACTIONS, seed=0)
    wanted = before.fractions if fractions is None else dict(fractions)
    _check_shares(wanted)
    seed = before.seed if seed is None else seed
    if seed < 0:
        raise InputError(f"--seed: {seed} is negative; use 0 or larger")
    factors = before.hold_out
    if hold_out is not None:
        factors = tuple(sorted({str(HoldOut.parse(text)) for text in hold_out}))
    return Request(fractions=wanted, seed=seed, hold_out=factors)


def refuse_other(old: Split, new: Request, file: Path) -> None:
    """Refuse a request that is not that of the split which is there.

    Raises:
        InputError: it is another one.
    """
    for key, before in dict(old.request).items():
        if (now := getattr(new, key)) != before:
            raise InputError(
                f"--{key.replace('_', '-')}: {file} was made with {_shown(before)}, this is "
                f"{_shown(now)}; choose another --name, or remove the file to split anew"
            )


def _check_shares(wanted: Mapping[str, float]) -> None:
    for name, share in wanted.items():
        check_name("--fractions", name)
        if name == UNSEEN:
            raise InputError(f"--fractions: {UNSEEN} is what is held out; choose another name")
        if not 0 < share <= 1:
            raise InputError(f"--fractions: {name}={share:g} is no share; give one above 0 up to 1")
    if not isclose(total := sum(wanted.values()), 1.0, abs_tol=1e-6):
        raise InputError(f"--fractions: they sum to {total:g}; change them to sum to 1")


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}={share:g}" for key, share in value.items())
    return " ".join(value) or "none" if isinstance(value, tuple) else str(value)
