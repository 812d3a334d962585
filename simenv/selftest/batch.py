"""Many small cases of bad input, a few dozen in a child: who refused, who accepted, who died."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from simenv.errors import SimenvError
from simenv.selftest.nursery import Ended, Tell, in_child

__all__ = ["LIMIT_S", "Case", "Verdict", "judge"]

LIMIT_S = 10.0  # a case that takes longer hangs
BATCH = 40  # cases of a child; what they say must fit into a pipe
MEMORY_BYTES = 4 << 30  # of addresses that a child may have beyond those it is born with
FILE_BYTES = 1 << 30  # of a file that a child may write
MAX_LINES = 60  # of a refusal: each problem of a file has one
SHOWN = 300  # characters of a text that a child passes on
PLACES = ("/proc", "/dev/null", "/dev/urandom", "/usr", "/lib", "/etc/localtime")  # of Python

Word = Literal["refused", "accepted", "died", "hung", "traceback", "unclear", "strayed"]


@dataclass(frozen=True)
class Case:
    """Something to be read."""

    name: str
    make: Callable[[Path], Path]  # writes the files into an empty folder; what is to be read
    read: Callable[[Path], object]
    must: Literal["refuse", "accept", "either"] = "refuse"


@dataclass(frozen=True)
class Verdict:
    """What came of a case."""

    case: Case
    word: Word
    text: str = ""

    @property
    def failure(self) -> str:
        """A line, empty where the case went as it must."""
        fine = {"refuse": ("refused",), "accept": ("accepted",), "either": ("refused", "accepted")}
        return "" if self.word in fine[self.case.must] else f"{self}"

    def __str__(self) -> str:
        return f"{self.case.name}: {self.word}: {self.text}"


def judge(cases: Sequence[Case], folder: Path) -> Iterator[Verdict]:
    """Every case in a folder of its own, in order; a child that dies takes only its case along."""
    first = 0
    while first < len(cases):
        batch = cases[first : first + BATCH]
        ended = in_child(partial(_work, batch, folder, first), limit_s=600.0)
        done = 0
        for word, text in map(json.loads, ended.told):
            yield Verdict(batch[done], word, text)
            done += 1
        if done < len(batch):
            yield Verdict(batch[done], *_end(ended))
            done += 1
        first += done


def _end(ended: Ended) -> tuple[Word, str]:
    if ended.hung or ended.signal == signal.SIGALRM:
        return "hung", f"more than {LIMIT_S:g} s"
    how = f"exit {ended.status}" if ended.signal is None else signal.Signals(ended.signal).name
    return "died", f"{how} {ended.printed.strip()[-SHOWN:]}"


def _work(cases: Sequence[Case], folder: Path, number: int, tell: Tell) -> None:
    """In the child: each case with its own time, and one word about it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    most = _size() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    folder.mkdir(exist_ok=True)
    os.chdir(folder)  # objects are looked for in the working folder, and there are none
    warnings.simplefilter("error")  # what warns has gone on with something wrong
    opened: list[str] = []
    sys.addaudithook(lambda event, arguments: _note(opened, event, arguments))
    for k, case in enumerate(cases, start=number):
        place = folder / f"case{k}"
        place.mkdir()
        bad = case.make(place)
        opened.clear()
        signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
        word, text = _try(case, bad)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        if strays := [path for path in opened if _strays(path, place)]:
            word, text = "strayed", strays[0]
        tell(json.dumps([word, text[:SHOWN]]))


def _try(case: Case, bad: Path) -> tuple[Word, str]:
    try:
        case.read(bad)
    except SimenvError as error:
        return ("refused" if _is_clear(str(error)) else "unclear"), str(error)
    except BaseException as error:
        return "traceback", f"{type(error).__name__}: {error}"
    return "accepted", ""


def _is_clear(text: str) -> bool:
    lines = text.split("\n")
    return len(lines) <= MAX_LINES and all(len(line) > 10 for line in lines)


def _note(opened: list[str], event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes):
        opened.append(
            str(Path(arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]))
        )


def _strays(path: str, place: Path) -> bool:
    """Whether a file was opened that a case has no reason to open."""
    own = (str(place), sys.prefix, sys.base_prefix, str(Path(__file__).parents[2]), *PLACES)
    return path.startswith("/") and not path.startswith(own)


def _size() -> int:
    """Bytes of addresses that the process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
