"""Which grasps of a part are open to the robot where the part lies: in one moment of a scene.

Each verified grasp is carried along with its part and asked, in this order: does the open gripper
meet anything on its way in; does the arm get there, within its joints' limits; is the arm then in
anything itself; and, of a part that moves, when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.grasp.model import OUTCOMES, GraspSet
from simenv.grasp.perturb import SPREAD
from simenv.kinematics import solve_all
from simenv.physics.probe import TOUCH_M, Probe
from simenv.physics.world import World
from simenv.pose import Matrix
from simenv.scene import Robot, SceneGrasps, Snapshot
from simenv.spec.robot import Jaw, RobotModel

__all__ = ["GraspFinder"]

Floats = NDArray[np.float64]

APPROACH_M, PLACES = 0.06, 4  # the way in, looked at in so many places
STILL_M_S = 0.005  # slower parts stay where they are
HORIZON_S, STEP_S = 5.0, 0.25  # how far a part that moves is looked after, and how finely
STEEP_RAD = (
    np.pi / 4
)  # of a gripper off straight down: beyond, weight pulls as in being turned over
ARM_CLEAR_M = 0.005  # between an arm's links and what they pass
NEAR_M = 0.008  # what is farther off the way in than this is not in the way
POSTURES = 2  # tried after home: from that alone a tenth of the level grasps is not found
TURNS = {"jaw": 2, "vacuum": 4}  # ways about z that are the same grasp


@dataclass(frozen=True, eq=False)
class _Plans:
    """M grasps in the scene."""

    part: NDArray[np.int64]  # (M,) row of Scene.parts
    grasp: NDArray[np.int64]  # (M,) row of the part's set
    X_WG: Floats  # (M, 4, 4)
    opening_m: Floats  # (M,)


class GraspFinder:
    """Looks at one snapshot after another, for one robot."""

    def __init__(self, robot: RobotModel, sets: Mapping[str, GraspSet]) -> None:
        """``sets``: by the key of an object in the scenes."""
        assert robot.gripper is not None
        self.robot, self.hand, self.sets = robot, robot.hand, sets
        self._hands, self._arms = World(), World()
        self._X_GR = pose.inverse(self.hand.chain.forward(self.hand.home))
        kind = "jaw" if isinstance(robot.gripper, Jaw) else "vacuum"
        self._turns = [
            pose.from_rpy_deg((0.0, 0.0, 360.0 * k / TURNS[kind])) for k in range(TURNS[kind])
        ]
        chain = robot.chain
        low, high = np.maximum(chain.lower, -np.pi), np.minimum(chain.upper, np.pi)
        rng = np.random.default_rng(0)  # the same ones for every scene
        self._postures = rng.uniform(low, high, (POSTURES, len(low)))

    def close(self) -> None:
        """Give the engines back."""
        self._hands.close()
        self._arms.close()

    def __call__(self, snapshot: Snapshot) -> SceneGrasps:
        """All grasps of all parts, in the order of the parts' ids."""
        scene = snapshot.scene
        plans = self._plans(snapshot)
        gap = self._gaps(snapshot, plans)
        free = gap > -TOUCH_M
        window, q = self._windows(snapshot, plans, free)
        reachable = np.isfinite(window[:, 0])
        if scene.robot is not None:
            self._clear_arms(snapshot, plans, reachable, window, q)
        parts = [scene.parts[k] for k in plans.part]
        kept = [self.sets[body.object] for body in parts]
        here = np.array(
            [
                self._here(own, int(k), X)
                for own, k, X in zip(kept, plans.grasp, plans.X_WG, strict=True)
            ]
        )
        window[~reachable] = -1.0
        return SceneGrasps(
            id=np.array([body.id for body in parts], dtype=np.uint16),
            grasp=plans.grasp.astype(np.int32),
            X_BG=_column(kept, "X_BG", plans.grasp, (4, 4)),
            X_WG=plans.X_WG,
            width_m=_column(kept, "width_m", plans.grasp, ()),
            opening_m=plans.opening_m,
            contacts_W=self._contacts(snapshot, plans, kept),
            trials=_column(kept, "trials", plans.grasp, ()).astype(np.int32),
            object_probability=_column(kept, "success_probability", plans.grasp, ()),
            success_probability=np.where(free & reachable, here * _clears(gap), 0.0).reshape(-1),
            free=free,
            reachable=reachable,
            window_s=window,
            q=np.where(reachable[:, None], q[:, 0], 0.0),
        )

    def _plans(self, snapshot: Snapshot) -> _Plans:
        scene = snapshot.scene
        rows = {body.id: row for row, body in enumerate(scene.bodies)}
        part, grasp, X_WG, opening = [], [], [np.zeros((0, 4, 4))], [np.zeros(0)]
        for k, body in enumerate(scene.parts):
            own = self.sets.get(body.object)
            if own is None or body.role != "part":  # nobody wants to grasp a distractor
                continue
            part += [k] * len(own)
            grasp += list(range(len(own)))
            X_WG.append(snapshot.X_WB[rows[body.id]] @ own.X_BG)
            opening.append(own.opening_m)
        return _Plans(
            np.array(part, dtype=np.int64),
            np.array(grasp, dtype=np.int64),
            np.concatenate(X_WG),
            np.concatenate(opening),
        )

    def _contacts(self, snapshot: Snapshot, plans: _Plans, sets: list[GraspSet]) -> Floats:
        """(M, C, 3) where the gripper is to touch, world."""
        scene = snapshot.scene
        rows = {body.id: row for row, body in enumerate(scene.bodies)}
        X_WB = [snapshot.X_WB[rows[scene.parts[k].id]] for k in plans.part]
        count = next((own.contacts_B.shape[1] for own in self.sets.values()), 1)
        found = [
            pose.apply(X, own.contacts_B[k])
            for X, own, k in zip(X_WB, sets, plans.grasp, strict=True)
        ]
        return np.array(found, dtype=np.float64).reshape(-1, count, 3)

    def _here(self, own: GraspSet, k: int, X_WG: Matrix) -> float:
        """The share of trials that the grasp survives when it is lifted here.

        A gripper that points about straight down needs no more than to lift and to shake; weight
        that pulls another way is what being turned over tries.
        """
        outcome = own.outcome[k][own.outcome[k] >= 0]
        good = outcome == 0
        if np.arccos(np.clip(-X_WG[2, 2], -1.0, 1.0)) < STEEP_RAD:
            good |= outcome == OUTCOMES.index("rotate")
        return float(good.mean()) if len(good) else 0.0

    def _gaps(self, snapshot: Snapshot, plans: _Plans) -> Floats:
        """(M,) m: how near the open gripper comes to anything on its way in, straight along its z.

        Negative where it gets into something; inf where all is farther than `NEAR_M`.
        """
        scene = snapshot.scene
        ghost = Robot(self.hand, np.eye(4), self.hand.start(), {})
        begun = self._hands.begin(replace(scene.at(snapshot), robot=ghost, belts=()), 60.0)
        probe = Probe(begun)
        gap = np.full(len(plans.part), np.inf)
        for m, (part, X_WG, opening) in enumerate(
            zip(plans.part, plans.X_WG, plans.opening_m, strict=True)
        ):
            q = self._fingers(float(opening))
            for back_m in np.linspace(0.0, APPROACH_M, PLACES):
                X = X_WG @ pose.pose(p_AB=(0.0, 0.0, -back_m))
                probe.stand(q, X @ self._X_GR)
                gap[m] = min(gap[m], probe.gap(NEAR_M, part=int(part)))
                if gap[m] < -TOUCH_M:
                    break
        return gap

    def _fingers(self, opening_m: float) -> dict[str, float]:
        gripper = self.hand.gripper
        if not isinstance(gripper, Jaw):
            return {}
        return self.hand.start(gripper.share(opening_m))

    def _windows(
        self, snapshot: Snapshot, plans: _Plans, free: NDArray[np.bool_]
    ) -> tuple[Floats, Floats]:
        """From when to when (M, 2) s the arm reaches each free grasp and the place before it.

        NaN where it never does; and its joints (M, 2, n) at the first moment: in the grasp, before.
        """
        scene = snapshot.scene
        n = len(self.robot.arm_joints)
        window, joints = np.full((len(free), 2), np.nan), np.zeros((len(free), 2, n))
        if scene.robot is None:  # a gripper that flies gets anywhere
            window[free] = (0.0, HORIZON_S)
            return window, joints
        velocity = self._velocity(snapshot)[plans.part]
        moves = np.linalg.norm(velocity, axis=1) > STILL_M_S
        for group in (free & ~moves, free & moves):
            rows = np.flatnonzero(group)
            times = np.arange(0.0, HORIZON_S + STEP_S / 2, STEP_S) if moves[rows].any() else [0.0]
            ok, q = self._reach(scene.robot, plans.X_WG[rows], velocity[rows], np.array(times))
            for i, row in enumerate(rows):
                if not ok[i].any():
                    continue
                first = int(np.argmax(ok[i]))
                after = np.flatnonzero(~ok[i, first:])
                last = first + int(after[0]) - 1 if len(after) else len(times) - 1
                window[row] = times[first], times[last] if moves[row] else HORIZON_S
                joints[row] = q[i, first]
        return window, joints

    def _velocity(self, snapshot: Snapshot) -> Floats:
        """(N, 3) m/s of the parts."""
        rows = {body.id: row for row, body in enumerate(snapshot.scene.bodies)}
        own = [snapshot.velocity[rows[body.id]][:3] for body in snapshot.scene.parts]
        return np.array(own, dtype=np.float64).reshape(-1, 3)

    def _reach(
        self, robot: Robot, X_WG: Floats, velocity: Floats, times: Floats
    ) -> tuple[NDArray[np.bool_], Floats]:
        """Which grasps (M, T) the arm reaches at each time, and with which joints (M, T, 2, n).

        First those in the grasp, then those in the place before it.
        """
        m, t, n = len(X_WG), len(times), len(self.robot.arm_joints)
        ok, q = np.zeros((m, t), dtype=np.bool_), np.zeros((m, t, 2, n))
        if not m:
            return ok, q
        X_RW = pose.inverse(robot.X_WR)
        moved = np.repeat(X_WG[:, None], t, axis=1)
        moved[:, :, :3, 3] += velocity[:, None] * times[:, None]
        home = np.array([robot.q[name] for name in self.robot.arm_joints])
        for posture, turn in product((home, *self._postures), self._turns):
            rows, columns = np.nonzero(~ok)
            wanted = X_RW @ moved[rows, columns] @ turn
            found, done = solve_all(self.robot.chain, wanted, self._toward(posture, wanted))
            before = wanted @ pose.pose(p_AB=(0.0, 0.0, -APPROACH_M))
            outside, out = solve_all(self.robot.chain, before[done], found[done])
            reached = np.flatnonzero(done)[out]
            ok[rows[reached], columns[reached]] = True
            both = np.stack([found[reached], outside[out]], axis=1)
            q[rows[reached], columns[reached]] = both
        return ok, q

    def _toward(self, posture: Floats, X_RG: Floats) -> Floats:
        """Starts (N, n): the posture (n,), turned about the base to face each pose."""
        starts = np.repeat(posture[None], len(X_RG), axis=0)
        if not self.robot.chain.turns[0]:  # a gantry goes there from anywhere
            return starts
        here = self.robot.chain.forward(posture)[:2, 3]
        turn = np.arctan2(X_RG[:, 1, 3], X_RG[:, 0, 3]) - np.arctan2(here[1], here[0])
        starts[:, 0] += (turn + np.pi) % (2 * np.pi) - np.pi
        return starts

    def _clear_arms(
        self,
        snapshot: Snapshot,
        plans: _Plans,
        reachable: NDArray[np.bool_],
        window: Floats,
        q: Floats,
    ) -> None:
        """Take back what the arm reaches only through something; of parts that move, furniture."""
        scene = snapshot.scene
        assert scene.robot is not None
        standing = replace(scene.robot, rows={})
        begun = self._arms.begin(replace(scene.at(snapshot), robot=standing, belts=()), 60.0)
        probe = Probe(begun)
        links = probe.arm_links()
        for m, end in product(np.flatnonzero(reachable), (0, 1)):
            probe.stand(dict(zip(self.robot.arm_joints, q[m, end].tolist(), strict=True)))
            waits = window[m, 0] > 0.0
            # The gripper itself has been looked at; it comes nearer to things than an arm should.
            if probe.gap(ARM_CLEAR_M, links=links, parts=not waits) < ARM_CLEAR_M:
                reachable[m] = False


def _clears(gap_m: Floats) -> Floats:
    """(M,) how likely a gripper that is off by as much as in the trials clears what is so near."""
    from scipy.special import ndtr  # slow to import

    return np.asarray(ndtr(gap_m / SPREAD.position_m))


def _column(
    sets: list[GraspSet], name: str, rows: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """(M, *shape) of row ``rows[m]`` of ``sets[m]``."""
    whole = {id(own): getattr(own, name) for own in sets}
    values = [whole[id(own)][k] for own, k in zip(sets, rows, strict=True)]
    return np.array(values, dtype=np.float64).reshape(-1, *shape)
