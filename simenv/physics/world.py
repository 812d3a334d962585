"""How a scene plays out: drop, settle, ride, a snapshot at every frame. The only place with time.

The result is a function of the scene alone: every scene starts from an empty Bullet world with
every parameter set again, and bodies are made in the order of the scene.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.clock import Clock
from simenv.engine import pybullet
from simenv.errors import EngineError
from simenv.physics.robot import RobotBody
from simenv.physics.settle import OVERLAP_M, RestRule, exploded, inside, turned
from simenv.physics.simulation import Simulation
from simenv.physics.stage import Stage, Where
from simenv.physics.workshop import Workshop
from simenv.scene import Scene, Snapshot
from simenv.scratch import ScratchFolder

__all__ = ["Outcome", "World"]

POLL_S = 1 / 60  # how often parts are looked at; speeds are how far they got since the last look
FLOOR_POLL_S = 0.25  # how often it is asked whether a part lies on the floor
DIP_M = 0.01  # a thin part may dip into the floor for a moment when it lands; it comes back
FALL_M = 5.0  # with nothing beneath, a part is lost once it is this far below its start


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a scene. ``reason`` is empty where it was accepted."""

    snapshots: tuple[Snapshot, ...]  # one a frame; empty when rejected
    reason: str  # "", overlap_spawn, unsettled, exploded, off_world, penetration, tunnelled
    duration_s: float  # simulated seconds until the first frame, or until the rejection
    penetration_m: float = 0.0  # the deepest contact of all frames


class World:
    """One Bullet client without graphics that plays one scene after another.

    Example:
        with World() as world:
            outcome = world.run(scene)
        if not outcome.reason:
            outcome.snapshots[0].X_WB
    """

    def __init__(self, clock: Clock | None = None) -> None:
        """``clock``: where the stages load and simulate are counted."""
        self._clock = Clock() if clock is None else clock
        self._client = pybullet.connect(pybullet.DIRECT)
        if self._client < 0:
            raise EngineError("Bullet has no free client; close another World first")
        self._folder = ScratchFolder()
        self._workshop = Workshop(self._folder.path, client=self._client)
        self._live: Simulation | None = None  # the scene that was begun last, if it still stands

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the client back; the world cannot be used after that. Closing twice is fine."""
        if self._client >= 0:
            pybullet.disconnect(physicsClientId=self._client)
            self._folder.close()
            self._client = -1

    def run(self, scene: Scene) -> Outcome:
        """Drop the parts, wait until they rest, and take the frames of ``scene.capture``.

        The first frame is taken when ``scene.physics.settle`` holds; then the scene runs on, one
        frame every ``1 / fps``. The time step divides ``1 / fps`` and is at most ``1 / rate_hz``.
        """
        if scene.crowded:
            return Outcome(snapshots=(), reason="overlap_spawn", duration_s=0.0)
        steps = math.ceil(scene.physics.rate_hz / scene.capture.fps - 1e-9)
        dt = 1.0 / (scene.capture.fps * steps)
        stage = self._stage(scene, dt)
        with self._clock("simulate"):
            return _Play(stage, dt, steps).outcome()

    def begin(self, scene: Scene, rate_hz: float) -> Simulation:
        """The scene from its start, to be stepped ``1 / rate_hz`` seconds at a time.

        It is good until the next `run` or `begin` of this world. The time step divides
        ``1 / rate_hz`` and is at most that of ``scene.physics``.
        """
        steps = math.ceil(scene.physics.rate_hz / rate_hz - 1e-9)
        dt = 1.0 / (rate_hz * steps)
        self._check_open()
        if self._live is not None:
            self._live.end()
        with self._clock("load"):
            stage = self._around(self._standing(scene, dt), scene, dt)
        self._live = Simulation(stage, dt, steps)
        return self._live

    def _stage(self, scene: Scene, dt: float) -> Stage:
        """The scene in an empty client."""
        self._check_open()
        with self._clock("load"):
            self._empty(scene, dt)
            return Stage(scene, self._workshop, client=self._client)

    def _empty(self, scene: Scene, dt: float, flags: int = 0) -> None:
        self._live = None
        pybullet.resetSimulation(flags=flags, physicsClientId=self._client)
        self._workshop.clear()
        _set_engine(scene, dt, client=self._client)

    def _standing(self, scene: Scene, dt: float) -> RobotBody | None:
        """The scene's robot, in a client that holds nothing else that matters.

        It stays from scene to scene, and shapes are kept: a third of the time of an empty client.
        Bullet's simple broadphase remembers nothing. (Its tree does: when a pair of bodies is
        forgotten depends on how many there were before.)
        """
        robot = None if self._live is None else self._live.robot
        if robot is not None and robot.fits(scene.robot) and not self._workshop.full:
            return robot
        self._empty(scene, dt, pybullet.RESET_USE_SIMPLE_BROADPHASE)
        if scene.robot is None:
            return None
        return RobotBody(scene.robot, self._workshop, client=self._client)

    def _around(self, robot: RobotBody | None, scene: Scene, dt: float) -> Stage:
        """The scene built around its robot, the same way whether it stood already or not."""
        client = self._client
        kept = -1 if robot is None else robot.bullet
        self._workshop.prepare(scene)
        count = pybullet.getNumBodies(physicsClientId=client)
        for body in reversed([pybullet.getBodyUniqueId(k, client) for k in range(count)]):
            if body != kept:
                pybullet.removeBody(body, physicsClientId=client)
        _set_engine(scene, dt, client=client)
        if robot is not None:
            assert scene.robot is not None
            robot.restart(scene.robot)
        return Stage(scene, self._workshop, client=client, endless=False, robot=robot)

    def _check_open(self) -> None:
        if self._client < 0:
            raise EngineError("this World is closed; make another one")


def _set_engine(scene: Scene, dt: float, *, client: int) -> None:
    """Every parameter, every time: some of them survive a reset."""
    pybullet.setGravity(0.0, 0.0, -scene.gravity_m_s2, physicsClientId=client)
    pybullet.setPhysicsEngineParameter(
        fixedTimeStep=dt,
        numSubSteps=0,
        numSolverIterations=scene.physics.solver_iterations,
        solverResidualThreshold=scene.physics.residual_threshold,
        warmStartingFactor=0.85,  # PyBullet's 0.1 throws away what the last step found out
        constraintSolverType=pybullet.CONSTRAINT_SOLVER_LCP_SI,
        minimumSolverIslandSize=0,
        erp=0.2,
        contactERP=0.08,
        frictionERP=0.2,
        globalCFM=0.0,
        contactSlop=1e-5,
        contactBreakingThreshold=0.02,  # of a shape's radius, as Bullet scales it
        restitutionVelocityThreshold=0.2,
        useSplitImpulse=1,
        splitImpulsePenetrationThreshold=-0.04,
        enableConeFriction=1,  # without it Bullet never stops a part that spins on a belt
        enableSAT=0,
        allowedCcdPenetration=0.04,
        collisionFilterMode=1,
        deterministicOverlappingPairs=1,
        jointFeedbackMode=0,
        numNonContactInnerIterations=1,
        reportSolverAnalytics=0,
        # Global in the process: without it a renderer's client decodes and keeps a texture anew
        # for every body (0.8 MB each). Safe here, since no scratch file is ever written twice.
        enableFileCaching=1,
        physicsClientId=client,
    )


class _Rejected(Exception):
    """Raised by a check; its text is the reason."""


class _Play:
    """One scene from drop to last frame."""

    def __init__(self, stage: Stage, dt: float, steps_per_frame: int) -> None:
        self.stage, self.scene, self.dt = stage, stage.scene, dt
        self.steps_per_frame = steps_per_frame
        self.poll_steps = max(1, round(POLL_S / dt))
        self.count = 0  # steps so far
        self.capture_start: int | None = None  # step of the first frame
        self.penetration_m = 0.0

    @property
    def time_s(self) -> float:
        """Since the drop; computed, so that no rounding adds up."""
        return self.count * self.dt

    def outcome(self) -> Outcome:
        """Play it."""
        try:
            self._open()
            self._settle()
            self.capture_start = self.count
            snapshots = tuple(self._frame(k) for k in range(self.scene.capture.frames))
        except _Rejected as rejected:
            return Outcome((), str(rejected), self.time_s, self.penetration_m)
        start_s = self.capture_start * self.dt
        return Outcome(snapshots, "", start_s, self.penetration_m)

    def _open(self) -> None:
        """Look at the scene before its first step."""
        self.seen = self.stage.where()
        com = self.seen.com
        self.stage.meet_belts(com)
        self.lost_z_m = self._lost_below(com)
        self.off_floor = self._carried(com)
        if self.stage.overlap_m() > OVERLAP_M:
            raise _Rejected("overlap_spawn")

    def _lost_below(self, com: NDArray[np.float64]) -> float:
        """World z under which a part has left the scene."""
        heights = [block.bottom_m for block in self.stage.blocks]
        if self.scene.floor_z_m is not None:
            heights.append(self.scene.floor_z_m - DIP_M)
        if not heights:
            heights.append(float(com[:, 2].min(initial=np.inf)) - FALL_M)
        return min(heights)

    def _carried(self, com: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which parts start above furniture, so that the floor is no place for them."""
        carried = np.zeros(len(com), dtype=np.bool_)
        for block in self.stage.blocks:
            carried |= block.under(com)
        return carried

    def _settle(self) -> None:
        settle = self.scene.physics.settle
        rule = RestRule(settle)
        next_floor_s = FLOOR_POLL_S
        while True:
            before = self.seen
            self._advance(self.poll_steps)
            if rule.holds(self.time_s, *self._speeds(before, self.poll_steps * self.dt)):
                return
            if self.time_s >= next_floor_s:
                self._refuse_floor()
                next_floor_s += FLOOR_POLL_S
            if self.time_s >= settle.limit_s:
                raise _Rejected("unsettled")

    def _speeds(
        self, before: Where, elapsed_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean speed (N,) relative to the support, and mean spin (N,), since the last look.

        Means, because the velocities that Bullet reports include a tremble of its contacts that
        leads nowhere: some parts would never count as resting.
        """
        carried = self.stage.support_velocity() * elapsed_s
        moved = np.linalg.norm(self.seen.com - before.com - carried, axis=1)
        return moved / elapsed_s, turned(before.turn, self.seen.turn) / elapsed_s

    def _advance(self, steps: int) -> None:
        """Some steps, then a look at the parts."""
        start_s = None if self.capture_start is None else self.capture_start * self.dt
        for _ in range(steps):
            self.stage.step((self.count + 0.5) * self.dt, start_s)
            self.count += 1
        before, self.seen = self.seen, self.stage.where()
        com = self.seen.com
        if exploded(np.linalg.norm(com - before.com, axis=1) / (steps * self.dt)):
            raise _Rejected("exploded")
        if (com[:, 2] < self.lost_z_m).any():
            below_floor = self.scene.floor_z_m is not None
            raise _Rejected("tunnelled" if below_floor else "off_world")
        self.stage.meet_belts(com)

    def _refuse_floor(self) -> None:
        """Reject if a part that started above furniture touches the floor."""
        if self.stage.floor is None or not self.off_floor.any():
            return
        lying = self.stage.touching(self.stage.floor)
        if (lying & self.off_floor).any():
            raise _Rejected("off_world")

    def _frame(self, frame: int) -> Snapshot:
        """Run on to frame number ``frame``, check the scene, and take the snapshot."""
        left = self.steps_per_frame if frame else 0
        while left:
            steps = min(left, self.poll_steps)
            self._advance(steps)
            left -= steps
        self._check_frame()
        X_WB, velocity = self.stage.poses()
        return Snapshot(
            scene=self.scene,
            time_s=self.time_s,
            frame=frame,
            capture_time_s=frame / self.scene.capture.fps,
            X_WB=X_WB,
            velocity=velocity,
            contacts=self.stage.touches() if "contacts" in self.scene.labels else None,
        )

    def _check_frame(self) -> None:
        self._refuse_floor()
        distances = [distance for _, _, distance in self.stage.contacts()]
        self.penetration_m = max([self.penetration_m, *(-d for d in distances)])
        deep = self.penetration_m > self.scene.physics.max_penetration_m
        if deep and inside(self.stage.blocks, self.seen.com).any():
            raise _Rejected("tunnelled")
        if deep:
            raise _Rejected("penetration")
