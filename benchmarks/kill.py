"""Does kill -9 lose anything that was committed?

    uv run python benchmarks/kill.py --kills 30

A run of many small shards is started, its whole process group is killed at a random moment, and the
folder is looked at: every committed shard must read back with the bytes of an undisturbed run. Then
the same command resumes. At the end the dataset must be, byte for byte, the undisturbed one.
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
from pathlib import Path

from simenv.dataset.store import committed

TASK = Path(__file__).parent.parent / "tests/data/project/tasks/mini.yaml"


def command(out: Path, scenes: int) -> list[str]:
    """The run that is disturbed."""
    words = ["generate", str(TASK), "--scenes", str(scenes), "--out", str(out)]
    return [sys.executable, "-m", "simenv", *words, "--jobs", "2", "--renderer", "tiny"]


def files(out: Path) -> dict[str, bytes]:
    """What must come out the same: all but the log, which holds clocks."""
    found = sorted([*out.glob("*.h5"), *out.glob("manifest/*")])
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


def campaign(folder: Path, *, kills: int, scenes: int, seed: int = 0) -> str:
    """Kill, look, resume, ``kills`` times; then finish and compare. Returns the figures."""
    rng = random.Random(seed)
    start = time.monotonic()
    subprocess.run(command(folder / "calm", scenes), check=True, stdout=subprocess.DEVNULL)
    span = time.monotonic() - start
    truth = files(folder / "calm")
    seen = restarts = 0
    for kill in range(kills):
        out = folder / f"killed{restarts}"
        process = subprocess.Popen(
            command(out, scenes), start_new_session=True, stdout=subprocess.DEVNULL
        )
        # From before the first import to after the end of what is left.
        left = 1.0 - len(committed(out)) / max(1, len(truth) // 2)
        time.sleep(rng.uniform(0.0, span * max(left, 0.3)))
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        for number, manifest in committed(out, check_sha256=True).items():
            name = f"shard-{number:05d}.h5"
            assert (out / name).read_bytes() == truth[name], f"kill {kill}: {name} differs"
            seen += len(manifest.scenes)
        unreadable = set(committed(out)) - set(committed(out, check_sha256=True))
        assert not unreadable, f"kill {kill}: committed shards {unreadable} do not read back"
        if len(committed(out)) * 2 >= len(truth) - 2:  # nearly done: the next one begins anew
            subprocess.run(command(out, scenes), check=True, stdout=subprocess.DEVNULL)
            assert files(out) == truth, f"kill {kill}: the resumed dataset differs"
            restarts += 1
    out = folder / f"killed{restarts}"
    subprocess.run(command(out, scenes), check=True, stdout=subprocess.DEVNULL)
    assert files(out) == truth, "the resumed dataset differs"
    return (
        f"{kills} kills, {restarts + 1} datasets finished after them, all byte-identical to the "
        f"undisturbed one; {seen} committed scenes read back after a kill, none lost"
    )


def main() -> None:
    """Run the campaign in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--scenes", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(
            campaign(
                Path(folder), kills=arguments.kills, scenes=arguments.scenes, seed=arguments.seed
            )
        )


if __name__ == "__main__":
    main()
