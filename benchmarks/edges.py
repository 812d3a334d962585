"""Hit rates of edge cases: every shipped one, N scenes each; accepted / attempts.

    python benchmarks/edges.py [TASK ...] --scenes 20 --jobs 2 [--renderer egl]

Exit status 1 where a case hits in fewer than half of its attempts.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from simenv.generate import Tally, generate
from simenv.spec import catalog
from simenv.spec.load import Task, load_task

LEAST = 0.5  # of the attempts that must hit


def main() -> None:
    """Print one line for each case as it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", help="default: all that have edge cases")
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--renderer", default="auto")
    given = parser.parse_args()
    rare = False
    print(
        "| task | edge case | accepted | attempts | hit rate | rejected because |\n"
        + "|---" * 6
        + "|"
    )
    for task in map(load_task, given.tasks or catalog.names("tasks")):
        for case in task.spec.edge_cases:
            own, reasons = hits(task, case, given)
            rare |= own.rate < LEAST
            why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
            words = (task.name, case, own.accepted, own.attempts, f"{own.rate:.0%}", why)
            print("| " + " | ".join(map(str, words)) + " |", flush=True)
    sys.exit(rare)


def hits(task: Task, case: str, given: argparse.Namespace) -> tuple[Tally, dict[str, int]]:
    """How often scenes of ``case`` were accepted, and why not."""
    folder = Path(tempfile.mkdtemp(prefix="edges"))
    try:
        summary = generate(
            task,
            folder / "out",
            scenes=given.scenes,
            seed=given.seed,
            jobs=given.jobs,
            renderer=given.renderer,
            tier=case,
        )
    finally:
        shutil.rmtree(folder)
    return summary.tiers[case], summary.reasons


if __name__ == "__main__":
    main()
