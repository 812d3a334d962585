"""What grows with the number of shards: python benchmarks/scale.py 50 100 200 400.

Shards of conveyor_pick as they are, 16 scenes each, but for the pictures, which are tiny: what a
listing and an index cost lies in the manifests and tables. All scenes are scene 0 with another
number. Each figure is of a fresh process; memory is its peak, beyond what it has after its imports.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from simenv.dataset.index import write_index
from simenv.dataset.lock import identify
from simenv.dataset.shard import ShardBuilder
from simenv.dataset.store import INDEX, commit_shard, committed
from simenv.generate import Plan
from simenv.spec.load import load_task, task_from_text

TASK = "conveyor_pick"
RESOLUTION, TINY = "[640, 480]", "[64, 48]"
SCENES = 16  # in a shard


def make(out: Path, shards: int) -> float:
    """Commit them; returns the seconds of one, its packing included."""
    text = load_task(TASK).text
    assert RESOLUTION in text
    task = task_from_text(text.replace(RESOLUTION, TINY))
    plan = Plan.of(task, scenes=1, renderer="tiny")
    with plan.studio() as studio:
        record = next(iter(studio.records([0])))
    header = plan.header(task, gl="benchmark")
    identify(out, header.identity)
    begun = time.perf_counter()
    for number in range(shards):
        builder = ShardBuilder(header)
        for scene in range(number * SCENES, (number + 1) * SCENES):
            builder.add(replace(record, scene=scene))
        commit_shard(out, number, builder)
    return (time.perf_counter() - begun) / shards


def measure(out: Path) -> dict[str, float]:
    """Listing and index of the folder ``out``, in this process."""
    before = _peak_mb()
    begun = time.perf_counter()
    there = committed(out)
    listed = time.perf_counter()
    write_index(out)
    return {
        "shards": len(there),
        "list_s": listed - begun,
        "index_s": time.perf_counter() - listed,
        "index_mb": (out / INDEX).stat().st_size / 1e6,
        "memory_mb": _peak_mb() - before,
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(counts: list[int]) -> None:
    """A line for each number of shards, and what one shard adds."""
    print("| shards | scenes | list, s | index, s | index, MB | memory, MB |")
    print("|---|---|---|---|---|---|")
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="simenv-scale-") as folder:
            pack = make(Path(folder), count)
            command = [sys.executable, __file__, "--measure", folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        own = json.loads(done.stdout)
        print(
            f"| {count} | {count * SCENES} | {own['list_s']:.2f} | {own['index_s']:.2f} "
            f"| {own['index_mb']:.1f} | {own['memory_mb']:.0f} |"
        )
    print(f"packing and committing one shard: {pack:.3f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        main([int(word) for word in sys.argv[1:]] or [50, 100, 200])
