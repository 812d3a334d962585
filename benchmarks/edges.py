"""Hit rates of edge cases: every shipped one, N scenes each; accepted / attempts.

    python benchmarks/edges.py [TASK ...] --scenes 20 --jobs 2 [--renderer egl]

Each accepted scene is judged again from what was written, by other means than the generator's:
pixels of masks are counted, surfaces sampled, colours averaged. Exit status 1 where a case hits in
fewer than half of its attempts, or where the judge does not see what the case promises.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

import simenv
from simenv.dataset.read import Dataset, Item
from simenv.generate import Tally, generate
from simenv.spec import catalog
from simenv.spec.edge import Guarantee, Range
from simenv.spec.load import Task, load_task

LEAST = 0.5  # of the attempts that must hit
TOUCH_M = 2.5e-3  # surfaces that touch, as their sampled points see it
POINTS = 20_000  # of a surface: less than a millimetre apart on a part of 5 cm
SLACK = 2e-3  # of any value: float32 on disk, pixels and points instead of surfaces


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
        "| task | edge case | accepted | attempts | hit rate | judged so | rejected because |\n"
        + "|---" * 7
        + "|"
    )
    for task in map(load_task, given.tasks or catalog.names("tasks")):
        for case in task.spec.edge_cases:
            own, seen, reasons = hits(task, case, given)
            rare |= own.rate < LEAST or seen < own.accepted
            why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
            words = (task.name, case, own.accepted, own.attempts, f"{own.rate:.0%}", seen, why)
            print("| " + " | ".join(map(str, words)) + " |", flush=True)
    sys.exit(rare)


def hits(task: Task, case: str, given: argparse.Namespace) -> tuple[Tally, int, dict[str, int]]:
    """How often scenes of ``case`` were accepted, in how many it is seen, and why not."""
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
        with simenv.open(folder / "out") as dataset:
            judge = Judge(dataset, task.spec.edge_cases[case].guarantee, set(task.spec.actors))
            seen = sum(map(judge.sees, dataset.table("scenes")["index"].tolist()))
    finally:
        shutil.rmtree(folder)
    return summary.tiers[case], seen, summary.reasons


class Judge:
    """Looks for what a guarantee says in a written dataset."""

    def __init__(self, dataset: Dataset, promise: Guarantee, groups: set[str]) -> None:
        self.dataset, self.promise, self.groups = dataset, promise, groups
        self.bodies, self.keys = dataset.table("bodies"), dataset.table("objects")["key"]
        self.speed = np.linalg.norm(self.bodies["velocity"][:, :3], axis=1)
        self.surfaces: dict[str, NDArray[np.float64]] = {}
        self.items: dict[int, list[Item]] = {}
        for item in dataset:
            self.items.setdefault(item.frame, []).append(item)

    def sees(self, scene: int) -> bool:
        """Whether the scene has enough frames in which enough cameras show it."""
        frames = np.flatnonzero(self.dataset.table("frames")["scene"] == scene)
        rows = np.flatnonzero(np.isin(self.bodies["frame"], frames))
        good = 0
        for frame in frames:
            own = rows[self.bodies["frame"][rows] == frame]
            parts = [row for row in own if self.bodies["group"][row] in self.groups]
            fit = {row for row in parts if self.lies(row, parts, own, rows)}
            cameras = sum(self.shows(item, fit) for item in self.items[int(frame)])
            good += cameras >= self.promise.cameras
        return bool(len(frames)) and good >= self.promise.frames

    def lies(
        self, row: int, parts: list[int], own: NDArray[np.int64], all_: NDArray[np.int64]
    ) -> bool:
        """Whether a part is as promised, whoever looks."""
        say, name, id_ = self.promise, self.name(row), self.bodies["id"][row]
        X_WB = self.bodies["X_WB"][row]
        speeds = self.speed[all_[self.bodies["id"][all_] == id_]]
        tilt_deg = np.degrees(np.arctan2(np.hypot(*X_WB[2, :2]), X_WB[2, 2]))
        return (
            (say.objects is None or name in say.items)
            and within(say.tilt_deg, tilt_deg)
            and within(say.speed_m_s, self.speed[row])
            and within(say.speed_change_m_s, speeds.max() - speeds.min())
            and (say.overhang_m is None or within(say.overhang_m, self.overhang_m(row, own)))
            and (not say.touching_same_object or self.touches(row, parts))
        )

    def shows(self, item: Item, fit: set[int]) -> bool:
        """Whether a picture shows it; ``fit``: rows of the parts that are as promised."""
        say, rgb = self.promise, item.rgb.astype(float)
        seen = self.dataset.table(f"cameras/{item.camera}/seen")
        count = 0
        for k in np.flatnonzero(np.isin(seen["body"], list(fit))):
            visible = int((item.instance == self.bodies["id"][seen["body"][k]]).sum())
            fraction = visible / max(1, int(seen["px_all"][k]))
            x, y, width, height = seen["box_all"][k]
            high, wide = item.instance.shape
            cut = min(x, y, wide - x - width, high - y - height) < 0
            count += bool(
                within(say.visible_fraction, fraction)
                and within(say.px_visible, visible)
                and (say.truncation is None or (cut and visible > 0))
            )
        luma = float((rgb @ [0.299, 0.587, 0.114]).mean() / 255)
        return (
            within(say.parts, count)
            and within(say.brightness, luma)
            and within(say.saturated, float((item.rgb.max(axis=2) >= 250).mean()))
        )

    def name(self, row: int) -> str:
        """Of the object of a body."""
        return str(self.keys[self.bodies["object"][row]])

    def points(self, row: int) -> NDArray[np.float64]:
        """Points (N, 3) all over a body's surface, even in area, and its corners; world."""
        name, X_WB = self.name(row), self.bodies["X_WB"][row]
        if name not in self.surfaces:
            surface = self.dataset.objects[name]
            corners = surface.vertices[surface.faces].astype(float)
            sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            area = np.linalg.norm(sides, axis=1)
            rng = np.random.default_rng(0)
            chosen = corners[rng.choice(len(corners), POINTS, p=area / area.sum())]
            weights = rng.dirichlet(np.ones(3), POINTS)
            inside = np.einsum("ni,nij->nj", weights, chosen)
            self.surfaces[name] = np.concatenate([inside, corners.reshape(-1, 3)])
        return np.asarray(self.surfaces[name] @ X_WB[:3, :3].T + X_WB[:3, 3])

    def touches(self, row: int, parts: list[int]) -> bool:
        """Whether another part of the same object is within 2.5 mm."""
        tree = cKDTree(self.points(row))
        twins = [k for k in parts if k != row and self.name(k) == self.name(row)]
        return any(np.min(tree.query(self.points(k))[0]) < TOUCH_M for k in twins)

    def overhang_m(self, row: int, own: NDArray[np.int64]) -> float:
        """How far a part reaches out of what is under its middle: a belt, or a table."""
        best = -np.inf
        for carrier in own[np.isin(self.bodies["group"][own], ["belts", "tables"])]:
            X_WC = self.bodies["X_WB"][carrier]
            half = np.ptp(self.dataset.objects[self.name(int(carrier))].vertices, axis=0)[:2] / 2
            p_C = (self.points(row) - X_WC[:3, 3]) @ X_WC[:3, :3]
            if (np.abs(np.median(p_C[:, :2], axis=0)) < half).all():
                best = max(best, float((np.abs(p_C[:, :2]) - half).max()))
        return best


def within(bounds: Range | None, value: float) -> bool:
    """Whether a value is inside; anything is, where nothing is said."""
    if bounds is None:
        return True
    low = -np.inf if bounds.min is None else bounds.min
    high = np.inf if bounds.max is None else bounds.max
    return bool(low - SLACK <= value <= high + SLACK)


if __name__ == "__main__":
    main()
