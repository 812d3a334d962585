"""Does a dataset depend on anything but its task, its seed and its number of scenes?"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from simenv.selftest.campaign import Outcome
from simenv.selftest.nursery import in_child
from simenv.selftest.small import Run, files

__all__ = ["campaign"]

SCENES = 6
OTHERWISE: Mapping[str, tuple[str, ...]] = {  # variables that must not matter, and what they may be
    "PYTHONHASHSEED": ("0", "1", "4294967295"),
    "TZ": ("UTC", "Asia/Kolkata", "America/St_Johns"),
    "LC_ALL": ("C", "C.UTF-8", "POSIX"),
    "LANG": ("tr_TR.UTF-8", "de_DE.UTF-8"),
    "OMP_NUM_THREADS": ("1", "2", "7"),
    "OPENBLAS_NUM_THREADS": ("1", "2"),
    "MALLOC_PERTURB_": ("0", "85", "255"),  # what memory holds that nobody wrote
    "HOME": ("/", "/nowhere"),
}
CODE = "import sys; from pathlib import Path; from simenv.selftest.small import Run; "
CODE += "Run({scenes}, {jobs}).into(Path(sys.argv[1]))"


@dataclass(frozen=True)
class _Variant:
    """Another way to the same dataset."""

    name: str
    make: Callable[[Path], str]  # into a folder; what went wrong, if anything


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """Variants in turn, each compared byte by byte with a plain run."""
    rng, failures, seen = random.Random(seed), list[str](), dict[str, int]()
    Run(SCENES).into(folder / "calm")
    truth = files(folder / "calm")
    for trial in range(trials):
        variant = _variants(folder, rng)[trial % len(_variants(folder, rng))]
        out = folder / f"other{trial}"
        wrong = variant.make(out)
        if not wrong and files(out) != truth:
            odd = [name for name, data in files(out).items() if truth.get(name) != data]
            wrong = f"{', '.join(odd) or 'the list of files'} differs"
        failures += [f"trial {trial}: {variant.name}: {wrong}"] if wrong else []
        seen[variant.name] = seen.get(variant.name, 0) + 1
    figures = "byte-equal: " + ", ".join(f"{name} {count}" for name, count in seen.items())
    return Outcome(trials, tuple(failures), figures)


def _variants(folder: Path, rng: random.Random) -> tuple[_Variant, ...]:
    return (
        _Variant("another process and environment", lambda out: _elsewhere(out, 0, rng)),
        _Variant("a run that is gone on with", lambda out: _resumed(out, rng)),
        _Variant("extension from N to 2N", lambda out: _forked(out, Run(SCENES // 2), Run(SCENES))),
        _Variant("shards made in another order", lambda out: _shuffled(out, rng)),
        _Variant("umask and working folder", lambda out: _moved(out, folder)),
        _Variant("workers", lambda out: _elsewhere(out, rng.choice((1, 2)), rng)),
    )


def _elsewhere(out: Path, jobs: int, rng: random.Random) -> str:
    """A fresh process with other variables, in another temporary folder."""
    chosen = {name: rng.choice(values) for name, values in OTHERWISE.items()}
    scratch = out.with_name(f"{out.name}.tmp")
    scratch.mkdir()
    code = CODE.format(scenes=SCENES, jobs=jobs)
    if jobs:
        code = f"if __name__ == '__main__':\n    {code}"
        script = scratch / "run.py"
        script.write_text(code)
        command = [sys.executable, str(script), str(out)]
    else:
        command = [sys.executable, "-c", code, str(out)]
    package = str(Path(__file__).parents[2])
    environment = {**os.environ, **chosen, "TMPDIR": str(scratch), "PYTHONPATH": package}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{chosen}: {done.stderr.strip()[-300:]}"


def _resumed(out: Path, rng: random.Random) -> str:
    """Killed when a scene begins, and gone on with."""
    in_child(lambda tell: Run(SCENES).status(out), fault=f"kill@scene:{rng.randrange(SCENES)}")
    return _forked(out, Run(SCENES))


def _shuffled(out: Path, rng: random.Random) -> str:
    """Some of the shards first, then the others: those that are missing are made anew."""
    wrong = _forked(out, Run(SCENES))
    for number in rng.sample(range(Run(SCENES).shards), 2):
        (out / f"shard-{number:05d}.h5").unlink()
    return wrong or _forked(out, Run(SCENES))


def _moved(out: Path, folder: Path) -> str:
    def work(tell: object) -> int:
        os.umask(0o077)
        os.chdir(folder)
        return Run(SCENES).status(Path(out.name))

    ended = in_child(work)
    return "" if ended.status == 0 else ended.printed.strip()[-300:]


def _forked(out: Path, *runs: Run) -> str:
    """Runs one after the other, each in a child."""
    for run in runs:
        ended = in_child(lambda tell, run=run: run.status(out))  # type: ignore[misc]
        if ended.status != 0:
            return ended.printed.strip()[-300:] or f"signal {ended.signal}"
    return ""
