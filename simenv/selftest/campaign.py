"""What a campaign is: one kind of fault, tried many times, and what must hold after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Campaign", "Outcome", "Run"]


@dataclass(frozen=True)
class Outcome:
    """What a campaign has seen."""

    trials: int  # that disturbed something; one that came too late is none
    failures: tuple[str, ...] = ()  # one line each: which trial, what did not hold
    figures: str = ""  # what was looked at, such as "312 of 312 shards stood"
    skipped: str = ""  # why nothing could be tried here


Run = Callable[[Path, int, int], Outcome]  # an empty folder, trials, seed


@dataclass(frozen=True)
class Campaign:
    """A row of the reliability table."""

    name: str  # a word for `--only`
    fault: str  # what happens
    holds: str  # what must hold
    small: int  # trials in CI
    full: int
    run: Run
