"""One gripper, one part, nothing else: where a grasp is tried.

The gripper stands still and the world around it moves. In the frame of a gripper that is carried
about, a part feels its weight less the gripper's acceleration, exactly; so lifting is weight that
sets in, shaking is an acceleration that swings, and turning over is weight that goes round (slowly:
what turning itself adds is left out). Nothing is lost to an arm: only the hold is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.grasp.model import OUTCOMES
from simenv.grasp.perturb import Deviation
from simenv.physics.gripper import CupGrip
from simenv.physics.probe import TOUCH_M
from simenv.physics.robot import RobotBody
from simenv.physics.simulation import Simulation
from simenv.physics.world import World
from simenv.pose import Matrix
from simenv.scene import Body, Robot, Scene
from simenv.spec.look import Look
from simenv.spec.object import Friction, ObjectModel
from simenv.spec.robot import Jaw, RobotModel, Vacuum
from simenv.spec.task import Capture, Physics

__all__ = ["PROTOCOL", "Cell", "Protocol", "Trial"]

GRAVITY_M_S2 = 9.81
STILL_M_S, STILL_LOOKS = 0.003, 3  # a part that fingers push has come to rest
LOST_LOOKS = 3  # without contact, one after the other: a solver's contacts may tremble
STANDOFF_M = 5e-4  # between a lip that has come down and the surface
LOST_M, LOST_RAD = 0.03, 1.0  # a part that moves as far in the hand is not held where it was taken
DOWN = np.array([0.0, 0.0, 1.0])  # in G, of a gripper that points down

# Measured against 500 iterations at 480 Hz: docs/grasps.md.
PHYSICS = Physics(rate_hz=240, solver_iterations=100, residual_threshold=1e-5)


@dataclass(frozen=True)
class Protocol:
    """What a grasp goes through.

    Harder than ACRONYM's (Eppner et al. 2021), which shakes along the approach and turns about it.
    """

    rate_hz: float = 60.0  # of looks and commands
    physics: Physics = PHYSICS
    approach_m: float = 0.06  # the way in, looked at in this many places
    places: int = 5
    closing_s: float = 0.8  # at most
    lift_s: float = 0.35
    load_s: float = 0.1  # of it, over which the weight sets in: a weld swings after a jerk
    shake_m_s2: float = 5.0  # along z, x and y of G in turn, on top of the weight
    shake_hz: float = 4.0
    turn_s: float = 0.4  # once around y, and once around x of G


PROTOCOL = Protocol()


@dataclass(frozen=True)
class Trial:
    """How one try ended; the three numbers are NaN unless it held."""

    outcome: int  # row of OUTCOMES
    motion_m: float  # of the part's centre of mass in the hand, while closing
    slip_m: float  # afterwards
    turn_rad: float


class Cell:
    """Tries grasps of one part by one gripper; a trial depends on nothing that was before it."""

    def __init__(self, hand: RobotModel, part: ObjectModel, protocol: Protocol = PROTOCOL) -> None:
        assert hand.gripper is not None
        self.hand, self.part, self.protocol = hand, part, protocol
        self.gripper: Jaw | Vacuum = hand.gripper
        self._X_WR = pose.inverse(hand.chain.forward(hand.home))  # so that G is W
        self._objects = {part.spec.name: part}
        self._world = World()

    def __enter__(self) -> Cell:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the engine back."""
        self._world.close()

    def meets(self, X_BG: Matrix, opening_m: float) -> bool:
        """Whether the open gripper meets the part on its way in."""
        simulation = self._begin(pose.inverse(X_BG), opening_m, Deviation())
        return self._blocked(simulation, pose.inverse(X_BG))

    def trial(self, X_BG: Matrix, opening_m: float, deviation: Deviation) -> Trial:
        """Approach, close, lift, shake, turn over."""
        X_GB = pose.inverse(X_BG @ deviation.X_GH)
        simulation = self._begin(X_GB, opening_m, deviation)
        if isinstance(self.gripper, Vacuum):
            X_GB = self._touch_down(simulation, X_GB)
        if self._blocked(simulation, X_GB):
            return _ended("collision")
        simulation.place(0, X_GB)
        start = simulation.motion()
        if not self._close(simulation):
            return _ended("missed")
        taken, missing = simulation.motion(), 0
        for stage, accelerations in self._stages():
            for a_G in accelerations:
                simulation.accelerate(a_G)
                self._step(simulation)
                missing = 0 if self._held(simulation) else missing + 1
                if missing == LOST_LOOKS:
                    return _ended(stage)
            now = simulation.motion()
            slip, turn = _between(taken.com[0], taken.R_WB[0], now.com[0], now.R_WB[0])
            if slip > LOST_M or turn > LOST_RAD:
                return _ended(stage)
        motion = float(np.linalg.norm(taken.com[0] - start.com[0]))
        return Trial(0, motion, slip, turn)

    def _begin(self, X_GB: Matrix, opening_m: float, deviation: Deviation) -> Simulation:
        simulation = self._world.begin(
            self._scene(X_GB, opening_m, deviation), self.protocol.rate_hz
        )
        if isinstance(simulation.grip, CupGrip):
            simulation.grip.share = deviation.force
        else:
            _robot(simulation).squeeze(deviation.force)
        return simulation

    def _scene(self, X_GB: Matrix, opening_m: float, deviation: Deviation) -> Scene:
        spec = self.part.spec
        friction = spec.friction.model_copy(
            update={"lateral": spec.friction.lateral * deviation.friction}
        )
        body = Body(
            1,
            "parts/0",
            "parts",
            spec.name,
            X_GB,
            False,
            friction,
            mass_kg=spec.mass_kg * deviation.mass,
        )
        share = self.gripper.share(opening_m) if isinstance(self.gripper, Jaw) else 1.0
        return Scene(
            index=0,
            attempt=0,
            tier="core",
            gravity_m_s2=0.0,
            floor_z_m=None,
            floor_friction=Friction(),
            bodies=(body,),
            objects=self._objects,
            belts=(),
            cameras=(),
            capture=Capture(),
            look=Look(),
            physics=self.protocol.physics,
            robot=Robot(self.hand, self._X_WR, self.hand.start(share), {}),
        )

    def _blocked(self, simulation: Simulation, X_GB: Matrix) -> bool:
        """Whether the gripper is in the part at the end of its way in, or on it."""
        for back_m in np.linspace(0.0, self.protocol.approach_m, self.protocol.places):
            simulation.place(0, pose.pose(p_AB=(0.0, 0.0, back_m)) @ X_GB)
            if simulation.gap(0, 0.0) < -TOUCH_M:
                return True
        return False

    def _touch_down(self, simulation: Simulation, X_GB: Matrix) -> Matrix:
        """A cup comes down until its lip is on the part: what is off along its way is made up.

        It looks from where it comes from: a ray that starts in the part does not see it.
        """
        assert isinstance(simulation.grip, CupGrip)
        back_m = self.protocol.approach_m
        simulation.place(0, pose.pose(p_AB=(0.0, 0.0, back_m)) @ X_GB)
        first = simulation.grip.ahead_m(2 * back_m) - back_m
        return np.asarray(pose.pose(p_AB=(0.0, 0.0, STANDOFF_M - first)) @ X_GB)

    def _close(self, simulation: Simulation) -> bool:
        """Close until the part rests in the hand; whether it is held then."""
        still, missing = 0, LOST_LOOKS
        for _ in range(round(self.protocol.closing_s * self.protocol.rate_hz)):
            self._step(simulation)
            missing = 0 if self._held(simulation) else missing + 1
            slow = bool(np.linalg.norm(simulation.motion().linear[0]) < STILL_M_S)
            still = still + 1 if slow and missing < LOST_LOOKS else 0
            if still == STILL_LOOKS:
                break
        return missing < LOST_LOOKS

    def _step(self, simulation: Simulation) -> None:
        robot, grip = _robot(simulation), simulation.grip
        assert grip is not None
        robot.drive(grip.close(0.0, robot.read().q, 1 / self.protocol.rate_hz))
        simulation.step()

    def _held(self, simulation: Simulation) -> bool:
        assert simulation.grip is not None
        return simulation.grip.held() == 0

    def _stages(self) -> Iterator[tuple[str, Iterator[NDArray[np.float64]]]]:
        """What the part feels (3,) m/s^2 in G, look by look."""
        protocol, weight = self.protocol, GRAVITY_M_S2 * DOWN
        loading = round(protocol.load_s * protocol.rate_hz)
        looks = range(1, round(protocol.lift_s * protocol.rate_hz) + 1)
        yield "lift", (weight * min(1.0, look / loading) for look in looks)
        period = round(protocol.rate_hz / protocol.shake_hz)
        phase = 2 * np.pi * np.arange(period) / period
        swing = protocol.shake_m_s2 * np.sin(phase)
        yield "shake", (weight + s * np.eye(3)[axis] for axis in (2, 0, 1) for s in swing)
        count = round(protocol.turn_s * protocol.rate_hz)
        angles = 2 * np.pi * np.arange(1, count + 1) / count
        yield (
            "rotate",
            (
                GRAVITY_M_S2 * (np.cos(a) * DOWN + np.sin(a) * np.eye(3)[axis])
                for axis in (0, 1)
                for a in angles
            ),
        )


def _ended(stage: str) -> Trial:
    return Trial(OUTCOMES.index(stage), np.nan, np.nan, np.nan)


def _between(
    p: NDArray[np.float64], R: NDArray[np.float64], p2: NDArray[np.float64], R2: NDArray[np.float64]
) -> tuple[float, float]:
    return float(np.linalg.norm(p2 - p)), float(np.linalg.norm(pose.rotation_vector(R2 @ R.T)))


def _robot(simulation: Simulation) -> RobotBody:
    assert simulation.robot is not None
    return simulation.robot
