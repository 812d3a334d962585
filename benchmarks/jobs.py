"""Scenes per second with one and two workers, interleaved: python benchmarks/jobs.py table_clutter.

``whole`` is the wall time of the run, the start of the workers included; ``steady`` counts from the
first scene of the last worker that starts to the first of their last scenes. Tiny renderer.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from simenv.generate import generate
from simenv.generate.shard import LOG


def run(task: str, jobs: int, scenes: int) -> tuple[float, float]:
    """Scenes per second: whole, steady."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        begun = time.perf_counter()
        generate(task, out, scenes=scenes, jobs=jobs, renderer="tiny")
        seconds = time.perf_counter() - begun
        said = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    times = defaultdict(list)
    for line in said:
        if "event" not in line:
            times[line["pid"]].append(line["unix_s"])
    first, last = max(own[0] for own in times.values()), min(own[-1] for own in times.values())
    steady = sum(first < at <= last for own in times.values() for at in own) / (last - first)
    return scenes / seconds, steady


def main() -> None:
    """A line for each round, and the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", nargs="?", default="table_clutter")
    parser.add_argument("--scenes", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    ratios = []
    print("| whole, 1 | 2 | ratio | steady, 1 | 2 | ratio |\n|---|---|---|---|---|---|")
    for _ in range(given.rounds):
        one, two = (run(given.task, jobs, given.scenes) for jobs in (1, 2))
        ratios.append([b / a for a, b in zip(one, two, strict=True)])
        print(
            f"| {one[0]:.2f} | {two[0]:.2f} | {ratios[-1][0]:.2f} "
            f"| {one[1]:.2f} | {two[1]:.2f} | {ratios[-1][1]:.2f} |"
        )
    whole, steady = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(f"median ratio: whole {whole:.2f}, steady {steady:.2f}")


if __name__ == "__main__":
    main()
