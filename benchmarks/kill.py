"""Does kill -9 lose anything that was committed?

    uv run python benchmarks/kill.py --kills 30

A run of many small shards is started, its whole process group is killed at a random moment, and the
folder is looked at: every shard that stood before must stand still, and every one that stands must
read back with the bytes of an undisturbed run. Then the same command resumes. At the end the
dataset must be, byte for byte, the undisturbed one.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from simenv.dataset.store import committed

TASK = Path(__file__).parent.parent / "tests/data/project/tasks/mini.yaml"
POLL_S = 0.02


@dataclass(frozen=True)
class Figures:
    """What a campaign that found no fault has checked."""

    kills: int  # signals sent to a run that was still at work
    late: int  # kills that found the run finished already
    kept: int  # shards that stood before a kill and stood after it, summed over the kills
    scenes_read: int  # committed scenes that were read back, summed over the kills
    finished: int  # datasets completed after kills, byte-identical to the undisturbed one

    @property
    def text(self) -> str:
        """The figures in one line."""
        return (
            f"{self.kills} kills of a run at work ({self.late} came after its end); "
            f"{self.kept} of {self.kept} shards that stood before a kill stood after it; "
            f"{self.scenes_read} committed scenes read back; {self.finished} datasets finished, "
            "each byte-identical to the undisturbed one"
        )


def command(out: Path, scenes: int) -> list[str]:
    """The run that is disturbed."""
    words = ["generate", str(TASK), "--scenes", str(scenes), "--out", str(out)]
    return [sys.executable, "-m", "simenv", *words, "--jobs", "2", "--renderer", "tiny"]


def files(out: Path) -> dict[str, bytes]:
    """What must come out the same: all but the log, which holds clocks."""
    found = sorted([*out.glob("*.h5"), *out.glob("manifest/*")])
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


def finish(out: Path, scenes: int) -> dict[str, bytes]:
    """Run to the end; the files of the dataset."""
    subprocess.run(command(out, scenes), check=True, stdout=subprocess.DEVNULL)
    return files(out)


def killed_after(
    seconds: float, out: Path, scenes: int, *, first_shard: bool = False
) -> tuple[bool, set[int]]:
    """Start a run and kill it: whether it was still at work, and the shards that stood before.

    ``first_shard``: the time counts from when a shard stands, however slow the machine is.
    """
    before = set(committed(out))
    process = subprocess.Popen(
        command(out, scenes), start_new_session=True, stdout=subprocess.DEVNULL
    )
    while first_shard and not committed(out) and process.poll() is None:
        time.sleep(POLL_S)
    time.sleep(seconds)
    before |= set(committed(out))  # those of this very run, too
    os.killpg(process.pid, signal.SIGKILL)  # not waited for yet, so the group is still ours
    return process.wait() == -signal.SIGKILL, before


def campaign(folder: Path, *, kills: int, scenes: int, seed: int = 0) -> Figures:
    """Kill, look, resume, ``kills`` times; then finish and compare.

    Raises:
        AssertionError: if anything that was committed is lost, or differs.
    """
    rng = random.Random(seed)
    start = time.monotonic()
    truth = finish(folder / "calm", scenes)
    span = time.monotonic() - start
    shards = len(committed(folder / "calm"))
    struck = kept = scenes_read = finished = 0
    out = folder / "killed0"
    for kill in range(kills):
        # From before the first import to after the end of what is left.
        left = 1.0 - len(committed(out)) / shards
        late = kill == 1  # one of them for certain finds something that could be lost
        seconds = rng.uniform(0.0, span * (0.1 if late else max(left, 0.3)))
        at_work, before = killed_after(seconds, out, scenes, first_shard=late)
        struck += at_work
        standing, after = set(committed(out)), committed(out, check_sha256=True)
        assert before <= set(after), f"kill {kill}: shards {before - set(after)} are lost"
        assert standing == set(after), f"kill {kill}: {standing - set(after)} do not read back"
        kept += len(before)
        for number, manifest in after.items():
            name = f"shard-{number:05d}.h5"
            assert (out / name).read_bytes() == truth[name], f"kill {kill}: {name} differs"
            scenes_read += len(manifest.scenes)
        if len(after) == shards or kill == kills - 1:  # then the next one begins anew
            assert finish(out, scenes) == truth, f"kill {kill}: the resumed dataset differs"
            finished += 1
            out = folder / f"killed{finished}"
    return Figures(struck, kills - struck, kept, scenes_read, finished)


def main() -> None:
    """Run the campaign in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--scenes", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = campaign(
            Path(folder), kills=arguments.kills, scenes=arguments.scenes, seed=arguments.seed
        )
    print(figures.text)


if __name__ == "__main__":
    main()
