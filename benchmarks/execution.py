"""Are the labels of grasps true? The robot executes them, closed-loop, in the scenes they are of.

simenv grasps carton_small can knob spacer gear --gripper panda
python benchmarks/execution.py table_pick --attempts 100

Of each scene's grasps some are drawn that are labelled 0.9 or more, 0.1 or less, and in between.
The arm begins at the place before the grasp (how it gets there is a planner's work), follows the
part, closes, lifts by 12 cm and shakes. The plan is off, and friction, mass and force differ, as in
the trials. An arm that touches anything with more than 5 N before it closes stops: a failure.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.engine import pybullet
from simenv.envs.control import Driver
from simenv.grasp.model import wilson
from simenv.grasp.perturb import Deviation, deviations
from simenv.grasp.scene import APPROACH_M, GraspFinder
from simenv.kinematics import Reach
from simenv.library import stock
from simenv.physics.simulation import Simulation
from simenv.physics.world import World
from simenv.pose import Matrix
from simenv.scene import Scene, SceneGrasps, Snapshot
from simenv.spec.environment import Control
from simenv.spec.load import Task, load_task
from simenv.spec.robot import Jaw

RATE_HZ = 20.0
STOP_N = 5.0  # a contact force that stops the arm
SLOW_M = 0.006  # of a step on the way in
LIFT_M, LIFT_STEP_M = 0.12, 0.012
SWING_M = 0.006  # of the shake, there and back in four steps: 5 m/s^2, as in the trials
RISEN_M = 0.06  # a part that has come up by this, and is in the hand, was lifted
BANDS = {"high": (0.9, 1.01), "middle": (0.1, 0.9), "low": (-0.01, 0.1)}
CONTROL = Control(kind="ee_delta", translation_m=0.06, rotation="full", rotation_deg=25.0)


class Attempt:
    """One execution of one grasp."""

    def __init__(self, world: World, scene: Scene, grasps: SceneGrasps, m: int, way: Deviation):
        self.world, self.scene, self.way = world, scene, way
        ids = [body.id for body in scene.parts]
        self.row = ids.index(int(grasps.id[m]))
        self.start_s = max(0.0, float(grasps.window_s[m, 0]))
        X_WB = scene.parts[self.row].X_WB
        self.X_BG = pose.inverse(X_WB) @ grasps.X_WG[m] @ way.X_GH
        self.opening_m = float(grasps.opening_m[m])
        self.reachable, self.q = bool(grasps.reachable[m]), grasps.q[m]
        assert scene.robot is not None
        self.robot = scene.robot
        self.model = self.robot.model

    def run(self) -> str | None:
        """How it ended; None where the arm has no way to the place before the grasp."""
        simulation = self.world.begin(self._deviating(), RATE_HZ)
        for _ in range(round(self.start_s * RATE_HZ)):
            self._idle(simulation)
        q = self._before(simulation)
        if q is None:
            return None
        body = simulation.robot
        assert body is not None
        body.stand({**self._fingers(), **dict(zip(self.model.arm_joints, q, strict=True))})
        body.squeeze(self.way.force)
        driver = Driver(simulation, CONTROL, 1 / RATE_HZ)
        low = float(self._part(simulation)[2, 3])
        if not self._approach(simulation, driver):
            return "stopped"
        if not self._close(simulation, driver):
            return "missed"
        return "held" if self._lift(simulation, driver, low) else "lost"

    def _deviating(self) -> Scene:
        """The scene with a part of other friction and mass."""
        bodies = list(self.scene.bodies)
        at = bodies.index(self.scene.parts[self.row])
        own, way = bodies[at], self.way
        friction = own.friction.model_copy(update={"lateral": own.friction.lateral * way.friction})
        mass = self.scene.objects[own.object].spec.mass_kg * way.mass
        bodies[at] = replace(own, friction=friction, mass_kg=mass)
        return replace(self.scene, bodies=tuple(bodies))

    def _fingers(self) -> dict[str, float]:
        return {
            name: value
            for name, value in self.model.start(self._share).items()
            if name not in self.model.arm_joints
        }

    @property
    def _share(self) -> float:
        gripper = self.model.gripper
        return gripper.share(self.opening_m) if isinstance(gripper, Jaw) else 1.0

    def _idle(self, simulation: Simulation) -> None:
        body = simulation.robot
        assert body is not None
        body.drive(np.zeros(len(body.joints)))
        simulation.step()

    def _part(self, simulation: Simulation) -> Matrix:
        motion = simulation.motion()
        return pose.pose(motion.R_WB[self.row], motion.p_WB[self.row])

    def _before(self, simulation: Simulation) -> NDArray[np.float64] | None:
        """Joints at the place before the grasp, near those that the label is for."""
        home = np.array([self.robot.q[name] for name in self.model.arm_joints])
        reach = Reach(self.model.chain, home, starts=3)
        X_RB = pose.inverse(self.robot.X_WR) @ self._part(simulation)
        if self.reachable:  # the same grasp may be reached turned about z
            own = pose.inverse(X_RB @ self.X_BG) @ self.model.chain.forward(self.q)
            turns = (
                (0.0, 180.0) if isinstance(self.model.gripper, Jaw) else (0.0, 90.0, 180.0, 270.0)
            )
            ways = [pose.from_rpy_deg((0.0, 0.0, yaw)) for yaw in turns]
            nearest = max(ways, key=lambda way: float(np.trace(way[:3, :3].T @ own[:3, :3])))
            self.X_BG = self.X_BG @ nearest
        end = reach.solve(X_RB @ self.X_BG, near=self.q if self.reachable else home)
        back = X_RB @ self.X_BG @ pose.pose(p_AB=(0.0, 0.0, -APPROACH_M))
        return None if end is None else reach.solve(back, near=end)

    def _goal(self, simulation: Simulation, back_m: float, ahead_s: float = 0.0) -> Matrix:
        X_WB = self._part(simulation)
        X_WB[:3, 3] += simulation.motion().linear[self.row] * ahead_s
        return np.asarray(X_WB @ self.X_BG @ pose.pose(p_AB=(0.0, 0.0, -back_m)))

    def _act(self, simulation: Simulation, driver: Driver, X_WG: Matrix, width: float) -> None:
        driver.apply(driver.encode(X_WG, width))
        simulation.step()
        driver.look()

    def _approach(self, simulation: Simulation, driver: Driver) -> bool:
        """Straight in; False if anything is touched hard."""
        assert simulation.grip is not None
        jaw = isinstance(self.model.gripper, Jaw)
        left = np.arange(APPROACH_M, -SLOW_M, -SLOW_M)
        for back_m in [*np.maximum(left, 0.0), 0.0, 0.0, 0.0]:
            goal = self._goal(simulation, float(back_m), 1 / RATE_HZ)
            # A cup sucks on its way in, and has come down when it seals.
            self._act(simulation, driver, goal, self._share if jaw else 0.0)
            if not jaw and simulation.grip.held() == self.row:
                return True
            if self._pressed(simulation, driver) > STOP_N:
                return False
        return True

    def _pressed(self, simulation: Simulation, driver: Driver) -> float:
        """The largest force on anything of the robot that moves, N; a cup may press on its part."""
        rows = pybullet.getContactPoints(
            bodyA=driver.robot.bullet, physicsClientId=simulation.stage.client
        )
        share = simulation.substeps if not simulation.stage.belts else 1
        jaw, own = isinstance(self.model.gripper, Jaw), simulation.stage.bullets[self.row]
        felt = [row for row in rows if row[3] >= 0 and (jaw or row[2] != own)]
        return max((row[9] * share for row in felt), default=0.0)

    def _close(self, simulation: Simulation, driver: Driver) -> bool:
        assert simulation.grip is not None
        jaw = isinstance(self.model.gripper, Jaw)
        if not jaw and simulation.grip.held() == self.row:
            return True
        for k in range(24):
            deeper = 0.0 if jaw else 0.0005 * k  # a lip comes down until it seals
            self._act(simulation, driver, self._goal(simulation, -deeper, 1 / RATE_HZ), 0.0)
            if simulation.grip.held() == self.row and k >= (6 if jaw else 0):
                return True
        return simulation.grip.held() == self.row

    def _lift(self, simulation: Simulation, driver: Driver, low: float) -> bool:
        assert simulation.grip is not None
        # An arm whose cup has sealed stops: what it was still to go is forgotten.
        driver.X_WG = driver.tool.X_WG
        X_WG = driver.X_WG.copy()
        missing = 0
        for move in self._path():
            X_WG[:3, 3] += move
            self._act(simulation, driver, X_WG, 0.0)
            missing = 0 if simulation.grip.held() == self.row else missing + 1
            if missing == 4:
                return False
        risen = float(self._part(simulation)[2, 3]) - low
        return missing == 0 and risen > RISEN_M

    def _path(self) -> Iterator[tuple[float, float, float]]:
        for _ in range(round(LIFT_M / LIFT_STEP_M)):
            yield (0.0, 0.0, LIFT_STEP_M)
        for axis in (2, 0, 1):
            for sign in (1.0, -1.0, -1.0, 1.0):
                move = [0.0, 0.0, 0.0]
                move[axis] = sign * SWING_M
                yield (move[0], move[1], move[2])
        for _ in range(10):
            yield (0.0, 0.0, 0.0)


def scenes(task: Task, seed: int) -> Iterator[Snapshot]:
    """The first frame of one accepted scene after another."""
    with World() as world:
        index = 0
        while True:
            outcome = world.run(compose(task, sample(task, seed, index), seed=seed))
            index += 1
            if outcome.snapshots:
                yield outcome.snapshots[0]


def drawn(
    grasps: SceneGrasps, rng: np.random.Generator, each: int, bands: Sequence[str]
) -> Iterator[tuple[str, int]]:
    """Some grasps of each band."""
    for band in bands:
        (low, high), label = BANDS[band], grasps.success_probability
        rows = np.flatnonzero((label >= low) & (label < high))
        yield from ((band, int(m)) for m in rng.permutation(rows)[:each])


def measure(name: str, attempts: int, seed: int, bands: Sequence[str]) -> None:
    """Execute until each band has ``attempts``; or the scenes run long without one."""
    task = load_task(name)
    assert task.robot is not None
    actors = {key for group in task.spec.actors.values() for key in group.objects}
    finder = GraspFinder(task.robot, stock({k: task.objects[k] for k in actors}, task.robot))
    ways = deviations(1024, seed + 1000)
    rng = np.random.default_rng(seed)
    results: dict[str, list[tuple[float, str]]] = {band: [] for band in bands}
    wall, cpu, tried, none = time.perf_counter(), time.process_time(), 0, 0
    with World() as world:
        for count, snapshot in enumerate(scenes(task, seed)):
            if min(map(len, results.values())) >= attempts or count > 20 * attempts:
                break
            grasps = finder(snapshot)
            for band, m in drawn(grasps, rng, 2, bands):
                if len(results[band]) >= attempts:
                    continue
                way = ways[tried % len(ways)]
                tried += 1
                end = Attempt(world, snapshot.scene.at(snapshot), grasps, m, way).run()
                if end is None:
                    none += 1
                else:
                    results[band].append((float(grasps.success_probability[m]), end))
    finder.close()
    print(f"{name}: {count} scenes, {tried} drawn, {none} of them out of the arm's reach;", end=" ")
    print(f"{time.perf_counter() - wall:.0f} s, {time.process_time() - cpu:.0f} s CPU")
    for band, rows in results.items():
        if rows:
            ends = [row[1] for row in rows]
            label, good = np.mean([row[0] for row in rows]), ends.count("held")
            others = ", ".join(f"{ends.count(w)} {w}" for w in ("stopped", "missed", "lost"))
            low, high = wilson(np.array(good), np.array(len(rows)))
            print(
                f"  {band:6} labelled {label:.3f} on average: {good} of {len(rows)} held,"
                f" {good / len(rows):.3f} (95 %: {low:.3f} to {high:.3f}); {others}"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--attempts", type=int, default=100, help="of each band of labels")
    parser.add_argument("--bands", nargs="+", choices=BANDS, default=list(BANDS))
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    for task_name in words.tasks:
        measure(task_name, words.attempts, words.seed, words.bands)
