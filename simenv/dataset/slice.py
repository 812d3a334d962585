"""Which shards are made here: slice i of n of one plan, so that many machines share the work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from simenv.errors import InputError

__all__ = ["WHOLE", "Slice"]

SLURM = "SLURM_ARRAY_TASK_"
KUBERNETES = "JOB_COMPLETION_INDEX"
KUBERNETES_COUNT = "JOB_COMPLETIONS"  # Kubernetes does not set it; the job's own file does
_FORM = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class Slice:
    """Every ``count``-th shard from shard ``index`` on; all slices together are the whole."""

    index: int  # 0 to count - 1
    count: int

    @classmethod
    def parse(cls, text: str, environment: Mapping[str, str]) -> Slice:
        """``i/n``, or ``auto``: what Slurm or Kubernetes says in ``environment``.

        Raises:
            InputError: there is no such slice.
        """
        if text == "auto":
            return _from(environment)
        match = _FORM.fullmatch(text)
        if match is None:
            raise InputError(f"--shard: {text!r} is no slice; write i/n, such as 0/4, or auto")
        return _checked("--shard", int(match[1]), int(match[2]))

    @property
    def whole(self) -> bool:
        """Whether this is everything."""
        return self.count == 1

    @property
    def name(self) -> str:
        """In the names of files; slices of one count sort by it."""
        return f"{self.index:0{len(str(self.count - 1))}d}-of-{self.count}"

    def owns(self, shard: int) -> bool:
        """Whether the shard of that number is made here."""
        return shard % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


WHOLE = Slice(0, 1)


def _checked(where: str, index: int, count: int) -> Slice:
    if count < 1:
        raise InputError(f"{where}: {index}/{count} is no slice; there must be one or more")
    if not 0 <= index < count:
        raise InputError(
            f"{where}: {index}/{count} is no slice; i counts from 0: 0/{count} to "
            f"{count - 1}/{count}"
        )
    return Slice(index, count)


def _from(environment: Mapping[str, str]) -> Slice:
    if f"{SLURM}ID" in environment:
        return _of_slurm(environment)
    if KUBERNETES in environment:
        number = _number(environment, KUBERNETES)
        return _checked(KUBERNETES, number, _number(environment, KUBERNETES_COUNT))
    raise InputError(
        f"--shard auto: neither {SLURM}ID nor {KUBERNETES} is set; this is no task of a Slurm "
        "array or an indexed Kubernetes job: write --shard i/n"
    )


def _of_slurm(environment: Mapping[str, str]) -> Slice:
    """An array may begin anywhere and have gaps, but the slices must be the same for all tasks.

    So the count is that of the range, and an array that is submitted again for some tasks only
    must say what the range was: see docs/cluster.md.
    """
    number, first, last = (_number(environment, SLURM + word) for word in ("ID", "MIN", "MAX"))
    count = _number(environment, f"{SLURM}COUNT")
    if count != last - first + 1:
        raise InputError(
            f"--shard auto: the array has {count} tasks from {first} to {last}, so it has gaps; "
            "use --array=0-N, or write --shard i/n with the i and n of the first time"
        )
    return _checked(f"{SLURM}ID", number - first, count)


def _number(environment: Mapping[str, str], name: str) -> int:
    said = environment.get(name)
    if said is None or not (said.isascii() and said.isdigit()):
        raise InputError(
            f"--shard auto: {name} is {'not set' if said is None else repr(said)}; set it to a "
            "whole number, or write --shard i/n"
        )
    return int(said)
