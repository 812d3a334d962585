"""Grasps: verdicts a second, whether the probability is true, vacuum, how exact the solver is.

    OPENBLAS_NUM_THREADS=1 python benchmarks/grasps.py --speed
    OPENBLAS_NUM_THREADS=1 python benchmarks/grasps.py --calibration
    OPENBLAS_NUM_THREADS=1 python benchmarks/grasps.py --vacuum
    OPENBLAS_NUM_THREADS=1 python benchmarks/grasps.py --solver --grasps 8

A verdict is one trial: approach, close, lift, shake, turn over, under one deviation. A grasp with
20 deviations counts as 20 verdicts. CPU seconds include those of workers.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.grasp.cell import PROTOCOL, Cell, Protocol
from simenv.grasp.find import Wish, candidates, judge
from simenv.grasp.model import OUTCOMES
from simenv.grasp.perturb import deviations
from simenv.pose import Matrix
from simenv.spec.catalog import load_object
from simenv.spec.load_robot import load_robot
from simenv.spec.object import Box, Cylinder, ObjectModel, ObjectSpec, Sphere
from simenv.spec.robot import RobotModel
from simenv.spec.task import Physics

ABOUT_1000_TRIANGLES = ("knob", "gear")  # 6 and 22 hulls
JAW = ("gear", "hex_bolt", "carton_small", "hinge", "pipe_elbow", "can")
CUP = ("carton_small", "l_bracket", "tee_fitting", "tray", "can")
FRESH_SEED = 1000  # of the trials that probabilities are compared with
BINS = 10
ASKED = 0.05  # of the expected calibration error
REFERENCE = replace(
    PROTOCOL,
    physics=Physics(rate_hz=480, solver_iterations=500, residual_threshold=1e-9),
)
RADII_M = (0.08, 0.04, 0.025, 0.018, 0.014)
ARMS_M = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08)
MASSES_KG = (0.3, 0.4, 0.5, 0.6)
TRIES = 100  # of each place in the tables of the cup

PEERS = """\
Published by others; none of these texts gives verdicts a second for one part and one gripper:
  ACRONYM      17.7 million grasps of 8,872 objects in NVIDIA FleX, one success or failure each; no
               time (README of github.com/NVlabs/acronym)
  GraspGen     57 million grasps: 8,515 objects x 3 grippers, 2,000 of each pair, one success or
               failure each; no time (huggingface.co/datasets/nvidia/PhysicalAI-Robotics-GraspGen).
               Its GraspDataGen by default simulates up to 1,024 cells at once in Isaac Lab, 3.5 s
               at 250 Hz each; a user's log has 2.3 s simulated after 7.2 s, batch and GPU not said
               (docs/components/grasp-sim.md and issue 7 of github.com/NVlabs/GraspDataGen)
  BODex        more than 49 dexterous grasps a second on one RTX 3090: made by optimization, not
               tried in physics; that is done afterwards, in MuJoCo (abstract of arXiv:2412.16490)
  Dex-Net 2.0  6.7 million labels from an analytic measure, without simulation; no time (abstract
               of arXiv:1703.09312)
  IPC-GraspSim takes 1.5 times as long as Isaac Gym with FleX, and 8,000 times as long as analytic
               measures (Kim et al., abstract)"""


def cpu_s() -> float:
    """CPU seconds of this process and of the workers that have ended."""
    own, other = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + other.ru_utime + other.ru_stime


@contextmanager
def timed() -> Iterator[list[float]]:
    """Wall and CPU seconds, once it has ended."""
    found: list[float] = []
    wall, cpu = time.perf_counter(), cpu_s()
    yield found
    found += [time.perf_counter() - wall, cpu_s() - cpu]


# Speed -------------------------------------------------------------------------------------------


def speed(name: str, count: int) -> None:
    """Verdicts a second on a part, and what takes the time."""
    hand, part = load_robot("jaw85").hand, load_object(name)
    wish = Wish(count=count)
    with timed() as spent:
        own = candidates(hand, part, wish)
    print(
        f"{name}, {len(part.mesh.faces)} triangles, {len(part.hulls)} hulls; jaw85; {count} grasps"
    )
    print(f"sample, look for collisions, spread: wall {spent[0]:.2f} s, CPU {spent[1]:.2f} s")
    total = len(own) * wish.trials
    for jobs in (1, 2):
        with timed() as spent:
            rows = judge(hand, part, own.X_BG, own.opening_m, wish, jobs=jobs)
        wall, cpu = spent
        print(
            f"jobs {jobs}: {total} verdicts, wall {wall:.1f} s, CPU {cpu:.1f} s: "
            f"{total / wall:.1f} a second of wall, {total / cpu:.1f} a second of CPU"
        )
    counts = np.bincount([trial.outcome for row in rows for trial in row], minlength=len(OUTCOMES))
    print(", ".join(f"{name} {n / total:.0%}" for name, n in zip(OUTCOMES, counts, strict=True)))
    profile(hand, part, own.X_BG[:8], own.opening_m[:8], wish)


def profile(
    hand: RobotModel,
    part: ObjectModel,
    X_BG: NDArray[np.float64],
    opening_m: NDArray[np.float64],
    wish: Wish,
) -> None:
    """Shares of the CPU time of verdicts."""
    spent: dict[str, float] = {}

    def watch(owner: Any, name: str) -> Callable[[], None]:
        original = getattr(owner, name)

        def counted(*words: Any, **named: Any) -> Any:
            start = time.thread_time()
            try:
                return original(*words, **named)
            finally:
                spent[name] = spent.get(name, 0.0) + time.thread_time() - start

        setattr(owner, name, counted)
        return lambda: setattr(owner, name, original)

    undo = [
        watch(pybullet, "stepSimulation"),
        watch(pybullet, "getContactPoints"),
        watch(Cell, "_begin"),
        watch(Cell, "_blocked"),
    ]
    start = time.thread_time()
    judge(hand, part, X_BG, opening_m, wish)
    whole = time.thread_time() - start
    for back in undo:
        back()
    shares = ", ".join(f"{name} {value / whole:.0%}" for name, value in spent.items())
    print(f"of the CPU time (begin takes one time step of Bullet itself): {shares}")


# Calibration -------------------------------------------------------------------------------------


def calibration(count: int, jobs: int) -> None:
    """Probabilities from 20 trials against the rate of 20 others."""
    table = []
    print("gripper object          grasps  mean p  observed  error")
    for gripper, names in (("jaw85", JAW), ("cup", CUP)):
        hand = load_robot(gripper).hand
        for name in names:
            part, wish = load_object(name), Wish(count=count)
            own = candidates(hand, part, wish)
            if not len(own):
                print(f"{gripper:7s} {name:16s} none")
                continue
            found = [
                held(
                    judge(hand, part, own.X_BG, own.opening_m, replace(wish, seed=seed), jobs=jobs)
                )
                for seed in (0, FRESH_SEED)
            ]
            rows = np.stack([row.sum(axis=1) for row in found], axis=1)  # (N, 2) of 20
            table.append(rows)
            p, seen = rows.mean(axis=0) / wish.trials
            error = calibration_error(rows[:, 0] / wish.trials, rows[:, 1] / wish.trials)
            print(f"{gripper:7s} {name:16s} {len(own):5d}  {p:6.3f}  {seen:8.3f}  {error:5.3f}")
    both, n = np.concatenate(table), Wish().trials
    observed = both[:, 1] / n
    print_bins("k / n", both[:, 0] / n, observed)
    print_bins("(k + 0.5) / (n + 1)", (both[:, 0] + 0.5) / (n + 1), observed)
    print(f"chance alone: {chance_error(both[:, 0], n):.3f} is expected of k / n were every grasp")
    print("as good as its 20 trials say (binomial, 1000 times)")


def held(rows: list[list[Any]]) -> NDArray[np.bool_]:
    """(N, T) whether each trial held."""
    return np.array([[trial.outcome == 0 for trial in row] for row in rows], dtype=np.bool_)


def bins_of(p: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which of ten bins each probability is in."""
    return np.minimum((p * BINS + 1e-9).astype(np.int64), BINS - 1)


def calibration_error(p: NDArray[np.float64], observed: NDArray[np.float64]) -> float:
    """Expected calibration error: how far bins' means are apart, by how many are in each."""
    rows = bins_of(p)
    gaps = [abs((p - observed)[rows == b].sum()) for b in range(BINS)]
    return float(np.sum(gaps) / len(p))


def chance_error(k: NDArray[np.int64], n: int) -> float:
    """The error that binomial noise alone leaves."""
    rng = np.random.default_rng(0)
    draws = [calibration_error(k / n, rng.binomial(n, k / n) / n) for _ in range(1000)]
    return float(np.mean(draws))


def print_bins(name: str, p: NDArray[np.float64], observed: NDArray[np.float64]) -> None:
    """One line for each bin, and the expected error."""
    print(f"\n{name}\n   bin       grasps  mean p  observed     gap")
    rows = bins_of(p)
    for b in range(BINS):
        own = rows == b
        if own.any():
            mean, seen = p[own].mean(), observed[own].mean()
            bin_ = f"{b / BINS:.1f} to {(b + 1) / BINS:.1f}"
            print(f"{bin_}  {own.sum():6d}  {mean:6.3f}  {seen:8.3f}  {mean - seen:+6.3f}")
    error = calibration_error(p, observed)
    verdict = "as asked" if error <= ASKED else "more than asked"
    print(f"expected calibration error {error:.3f}, {verdict} (at most {ASKED})")


# Vacuum ------------------------------------------------------------------------------------------


def vacuum() -> None:
    """Probability against curvature and lever arm."""
    hand = load_robot("cup").hand
    print(f"100 g, {TRIES} trials each; own: the weight in the middle of the part; 14 mm: that far")
    print("below the lip, so that only the curvature differs\n")
    print("radius    sphere own   14 mm   cylinder own   14 mm")
    for radius in RADII_M:
        ball = Sphere(shape="sphere", radius_m=radius)
        rod = Cylinder(shape="cylinder", radius_m=radius, length_m=0.1)
        own = [
            share(hand, round_part(shape, com), X)
            for shape, X, out in (
                (ball, down(z_m=radius), np.array([0.0, 0.0, 1.0])),
                (rod, pose.from_rpy_deg((0, 90, 0)) @ down(z_m=radius), np.array([1.0, 0.0, 0.0])),
            )
            for com in (None, (radius - 0.014) * out)
        ]
        print(f"{radius * 1e3:3.0f} mm {own[0]:13.2f} {own[1]:7.2f} {own[2]:14.2f} {own[3]:7.2f}")
    print("\na plate of 200 x 200 x 10 mm; the cup beside its centre of mass\n")
    print("arm    " + "".join(f"{mass:8.1f} kg" for mass in MASSES_KG))
    plates = [model(Box(shape="box", size_m=(0.2, 0.2, 0.01)), mass_kg=mass) for mass in MASSES_KG]
    for arm in ARMS_M:
        own = [share(hand, plate, down(arm, 0.005)) for plate in plates]
        print(f"{arm * 1e3:3.0f} mm " + "".join(f"{p:11.2f}" for p in own))


def down(x_m: float = 0.0, z_m: float = 0.0) -> Matrix:
    """X_BG of a cup that points along -z of the part."""
    return pose.pose(np.diag([1.0, -1.0, -1.0]), (x_m, 0.0, z_m))


def model(shape: Box | Cylinder | Sphere, **more: Any) -> ObjectModel:
    """A part of one primitive."""
    return ObjectModel(
        ObjectSpec(name="part", class_="part", mesh=(shape,), collision=(shape,), **more)
    )


def round_part(shape: Cylinder | Sphere, com: NDArray[np.float64] | None) -> ObjectModel:
    """100 g, perhaps borne elsewhere than in its middle."""
    return model(shape, mass_kg=0.1, com_m=None if com is None else tuple(com.tolist()))


def share(hand: RobotModel, part: ObjectModel, X_BG: Matrix) -> float:
    """How often it holds."""
    with Cell(hand, part) as cell:
        return float(
            np.mean([cell.trial(X_BG, 0.0, way).outcome == 0 for way in deviations(TRIES, 0)])
        )


# Solver ------------------------------------------------------------------------------------------


def solver(count: int, jobs: int) -> None:
    """How often held or lost is what the reference solver says."""
    said = REFERENCE.physics
    print(f"reference: {said.rate_hz:.0f} Hz, {said.solver_iterations} iterations, to the end")
    print("gripper object          verdicts  same   held   held by reference   CPU times as long")
    same, total = 0, 0
    for gripper, names in (("jaw85", JAW), ("cup", CUP[:2])):
        hand = load_robot(gripper).hand
        for name in names:
            part, wish = load_object(name), Wish(count=count)
            own = candidates(hand, part, wish)
            found, spent = [], []
            for protocol in (PROTOCOL, REFERENCE):
                rows, cpu = verdicts(hand, part, own.X_BG, own.opening_m, wish, protocol, jobs)
                found.append(rows)
                spent.append(cpu)
            agree = found[0] == found[1]
            same, total = same + int(agree.sum()), total + agree.size
            print(
                f"{gripper:7s} {name:16s} {agree.size:7d}  {agree.mean():5.3f}  "
                f"{found[0].mean():5.3f}  {found[1].mean():17.3f}   {spent[1] / spent[0]:17.1f}"
            )
    print(f"all: {same} of {total} are the same, {same / total:.3f}")


def verdicts(
    hand: RobotModel,
    part: ObjectModel,
    X_BG: NDArray[np.float64],
    opening_m: NDArray[np.float64],
    wish: Wish,
    protocol: Protocol,
    jobs: int,
) -> tuple[NDArray[np.bool_], float]:
    """(N, T) whether each trial held, and the CPU seconds that took."""
    with timed() as spent:
        rows = judge(hand, part, X_BG, opening_m, replace(wish, protocol=protocol), jobs=jobs)
    return held(rows), spent[1]


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("speed", "calibration", "vacuum", "solver"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--grasps", type=int, default=32)
    parser.add_argument("--jobs", type=int, default=2)
    words = parser.parse_args()
    with timed() as spent:
        if words.speed:
            for part_name in ABOUT_1000_TRIANGLES:
                speed(part_name, words.grasps)
            print(PEERS)
        if words.calibration:
            calibration(words.grasps, words.jobs)
        if words.vacuum:
            vacuum()
        if words.solver:
            solver(words.grasps, words.jobs)
    print(f"\nwall {spent[0]:.0f} s, CPU {spent[1]:.0f} s")


if __name__ == "__main__":
    main()
