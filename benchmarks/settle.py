"""What does settling cost, and do the parts rest as the expensive way lets them rest?

    uv run python benchmarks/settle.py --scenes 60

The same scenes (12 parts over a belt, 20 parts in a tote) are dropped under several settings in
turn, scene by scene, until the same settle rule holds:

- ``naive``: what a PyBullet user writes: loadURDF of the same hulls, 1/240 s, 50 iterations, every
  velocity polled at every step (simenv compares positions, 60 times a second);
- ``naive+``: the same with simenv's iterations and residual threshold;
- ``world 50``: simenv's World, 50 iterations, no residual threshold;
- ``world``: simenv as it is by default;
- ``world 12``: half the iterations.

CPU ms include building the scene. ``p`` are Kolmogorov-Smirnov p-values of the resting heights and
tilts against ``naive``: below 0.01 the parts rest differently. Belts stand still here: a naive belt
shakes its parts so much that the rule often never holds.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pybullet
from numpy.typing import NDArray

from simenv import pose
from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.physics.settle import RestRule
from simenv.physics.shape import MARGIN_M
from simenv.physics.world import World
from simenv.scene import Body, Scene
from simenv.spec.catalog import find
from simenv.spec.load import task_from_text
from simenv.spec.object import Box, Cylinder, ObjectModel, Primitive
from simenv.spec.task import Physics

NAIVE_MARGIN_M = 1e-3  # PyBullet's default; hulls hover that much higher than ours
SAME_HEIGHT_M, SAME_TILT_DEG = 5e-4, 2.0  # noise added before comparing: less is no difference
DROPS = {  # task, the row of its domain that fixes the number of parts
    "belt": ("conveyor_pick", "integers: [3, 12]", "integers: [12, 12]"),
    "tote": ("bin_pick", "integers: [10, 30]", "integers: [20, 20]"),
}


@dataclass(eq=False)
class Rest:
    """How one scene came to rest."""

    reason: str
    duration_s: float
    penetration_m: float
    X_WB: NDArray[np.float64]  # (N, 4, 4) of the parts; N = 0 when rejected
    hover_m: float = MARGIN_M  # of hulls
    round_hovers: bool = False  # a URDF's cylinder is a hull, too


@dataclass(eq=False)
class Tally:
    """What a setting did over all scenes."""

    cpu_ms: list[float] = field(default_factory=list)
    duration_s: list[float] = field(default_factory=list)
    penetration_mm: list[float] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)  # m, of the centres of mass
    tilts: list[float] = field(default_factory=list)  # degrees between the part's z and the world's
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, scene: Scene, rest: Rest, cpu_ms: float) -> None:
        """Count one scene."""
        self.cpu_ms.append(cpu_ms)
        self.duration_s.append(rest.duration_s)
        self.reasons[rest.reason or "accepted"] += 1
        if rest.reason:
            return
        self.penetration_mm.append(1e3 * rest.penetration_m)
        for body, X_WB in zip(scene.parts, rest.X_WB, strict=True):
            model = scene.objects[body.object]
            hover = rest.hover_m if model.hulls or (rest.round_hovers and _round(model)) else 0.0
            com = pose.apply(X_WB, model.mass_properties[0][None])[0]
            self.heights.append(com[2] - hover)
            tilt = np.degrees(np.arccos(np.clip(X_WB[2, 2], -1.0, 1.0)))
            self.tilts.append(float(tilt))


def _round(model: ObjectModel) -> bool:
    shapes = model.spec.collision
    return not isinstance(shapes, str) and any(isinstance(shape, Cylinder) for shape in shapes)


def same(a: list[float], b: list[float], *, step: float) -> float:
    """Kolmogorov-Smirnov p-value of two samples, blind to differences well below ``step``.

    Parts lie in few ways, so their heights are clusters microns wide; the noise makes them wider.
    """
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(0)
    first, second = (np.array(c) + step * rng.uniform(-0.5, 0.5, len(c)) for c in (a, b))
    return float(ks_2samp(first, second, method="asymp").pvalue)


def scenes(kind: str, count: int, seed: int) -> list[Scene]:
    """Scenes of a task of the catalog with a fixed number of parts, belts standing."""
    name, varied, fixed = DROPS[kind]
    path = find("tasks", name)
    text = path.read_text()
    assert varied in text, f"{path}: no longer has {varied!r}"
    task = task_from_text(text.replace(varied, fixed), near=path)
    found: list[Scene] = []
    for index in itertools.count():
        if len(found) == count:
            break
        scene = compose(task, sample(task, seed, index), seed=seed)
        if scene.crowded:
            continue
        belts = tuple(replace(belt, speed_m_s=0.0) for belt in scene.belts)
        capture = scene.capture.model_copy(update={"frames": 1})
        found.append(replace(scene, belts=belts, capture=capture))
    return found


def in_world(world: World, **changes: Any) -> Callable[[Scene], Rest]:
    """Simenv, with some fields of its physics changed."""

    def drop(scene: Scene) -> Rest:
        physics = scene.physics.model_copy(update=changes)
        outcome = world.run(replace(scene, physics=physics))
        rows = [row for row, body in enumerate(scene.bodies) if not body.fixed]
        X_WB = outcome.snapshots[0].X_WB[rows] if outcome.snapshots else np.zeros((0, 4, 4))
        return Rest(outcome.reason, outcome.duration_s, outcome.penetration_m, X_WB)

    return drop


class Naive:
    """The loop that a PyBullet user writes first."""

    def __init__(self, folder: Path, *, iterations: int = 50, residual: float = 1e-7) -> None:
        self.client = pybullet.connect(pybullet.DIRECT)
        self.folder, self.iterations, self.residual = folder, iterations, residual

    def __call__(self, scene: Scene) -> Rest:
        """Load, step and poll until the settle rule holds."""
        client = self.client
        pybullet.resetSimulation(physicsClientId=client)
        pybullet.setGravity(0, 0, -scene.gravity_m_s2, physicsClientId=client)
        pybullet.setPhysicsEngineParameter(
            fixedTimeStep=1 / 240,
            numSolverIterations=self.iterations,
            solverResidualThreshold=self.residual,
            physicsClientId=client,
        )
        parts = [self.load(scene, body) for body in scene.bodies if not body.fixed]
        for body in scene.bodies:
            if body.fixed and body.group != "floor":
                self.furnish(scene, body)
        steps, rule, limit = 0, RestRule(scene.physics.settle), scene.physics.settle.limit_s
        rests = False
        while not rests and steps < 240 * limit:
            pybullet.stepSimulation(physicsClientId=client)
            steps += 1
            twists = np.array([pybullet.getBaseVelocity(part, client) for part in parts])
            rests = rule.holds(steps / 240, *np.linalg.norm(twists, axis=2).T)
        depths = [-row[8] for row in pybullet.getContactPoints(physicsClientId=client)]
        X_WB = np.stack([self.pose(part) for part in parts])
        lost = bool((X_WB[:, 2, 3] < -1).any())
        reason = "off_world" if lost else "" if rests else "unsettled"
        return Rest(reason, steps / 240, max(depths, default=0.0), X_WB, NAIVE_MARGIN_M, True)

    def load(self, scene: Scene, body: Body) -> int:
        """A part from its URDF file."""
        path = self.folder / f"{body.object}.urdf"
        if not path.exists():
            path.write_text(urdf(scene.objects[body.object]))
        part: int = pybullet.loadURDF(
            str(path),
            body.X_WB[:3, 3].tolist(),
            pose.quaternion(body.X_WB).tolist(),
            flags=pybullet.URDF_USE_INERTIA_FROM_FILE,
            physicsClientId=self.client,
        )
        self.touch(part, scene, body)
        return part

    def furnish(self, scene: Scene, body: Body) -> None:
        """Furniture from boxes."""
        collision = scene.objects[body.object].spec.collision
        assert not isinstance(collision, str)
        for shape in collision:
            assert isinstance(shape, Box)
            half = [side / 2 for side in shape.size_m]
            created = pybullet.createCollisionShape(
                pybullet.GEOM_BOX, halfExtents=half, physicsClientId=self.client
            )
            X_WP = body.X_WB @ shape.X_BP
            box = pybullet.createMultiBody(
                0,
                created,
                basePosition=X_WP[:3, 3].tolist(),
                baseOrientation=pose.quaternion(X_WP).tolist(),
                physicsClientId=self.client,
            )
            self.touch(box, scene, body)

    def touch(self, bullet: int, scene: Scene, body: Body) -> None:
        """Friction and restitution."""
        pybullet.changeDynamics(
            bullet,
            -1,
            lateralFriction=body.friction.lateral,
            rollingFriction=body.friction.rolling,
            spinningFriction=body.friction.spinning,
            restitution=scene.objects[body.object].spec.restitution,
            physicsClientId=self.client,
        )

    def pose(self, part: int) -> pose.Matrix:
        """X_WB, back from Bullet's inertial frame."""
        p, q = pybullet.getBasePositionAndOrientation(part, self.client)
        inertial = pybullet.getDynamicsInfo(part, -1, self.client)[3:5]
        X_BI = pose.from_quaternion(inertial[1], inertial[0])
        return pose.from_quaternion(q, p) @ pose.inverse(X_BI)


def urdf(model: ObjectModel) -> str:
    """The part as one link: mass, inertia, collision."""
    com, inertia = model.mass_properties
    (xx, xy, xz), (_, yy, yz), (_, _, zz) = inertia
    if isinstance(model.spec.collision, str):
        shapes = [_collision(f'<mesh filename="{model.file(model.spec.collision)}"/>')]
    else:
        shapes = [_primitive(shape) for shape in model.spec.collision]
    return f"""<robot name="{model.spec.name}"><link name="part">
<inertial><origin xyz="{com[0]} {com[1]} {com[2]}"/><mass value="{model.spec.mass_kg}"/>
<inertia ixx="{xx}" ixy="{xy}" ixz="{xz}" iyy="{yy}" iyz="{yz}" izz="{zz}"/></inertial>
{"".join(shapes)}</link></robot>"""


def _collision(geometry: str, origin: str = "") -> str:
    return f"<collision>{origin}<geometry>{geometry}</geometry></collision>\n"


def _primitive(shape: Primitive) -> str:
    words = " ".join(str(value) for value in shape.p)
    angles = " ".join(str(np.radians(value)) for value in shape.rpy_deg)
    origin = f'<origin xyz="{words}" rpy="{angles}"/>'
    if isinstance(shape, Box):
        return _collision(f'<box size="{" ".join(str(s) for s in shape.size_m)}"/>', origin)
    if isinstance(shape, Cylinder):
        size = f'radius="{shape.radius_m}" length="{shape.length_m}"'
        return _collision(f"<cylinder {size}/>", origin)
    return _collision(f'<sphere radius="{shape.radius_m}"/>', origin)


def measure(kind: str, count: int, seed: int, ways: dict[str, Callable[[Scene], Rest]]) -> None:
    """Drop ``count`` scenes every way, and print a table."""
    tallies = {way: Tally() for way in ways}
    for scene in scenes(kind, count, seed):
        for way, drop in ways.items():
            start = time.process_time()
            rest = drop(scene)
            tallies[way].add(scene, rest, 1e3 * (time.process_time() - start))
    report(kind, tallies)


def report(kind: str, tallies: dict[str, Tally]) -> None:
    """One row a setting; the first is what the others are compared with."""
    head = ["CPU ms", "median", "ratio", "settled s", "worst mm", "median mm", "p height", "p tilt"]
    print(f"{kind:10s}" + "".join(f"{word:>11s}" for word in head))
    first = next(iter(tallies.values()))
    for way, tally in tallies.items():
        row = [
            np.mean(tally.cpu_ms),
            np.median(tally.cpu_ms),
            np.mean(first.cpu_ms) / np.mean(tally.cpu_ms),
            np.mean(tally.duration_s),
            np.max(tally.penetration_mm),
            np.median(tally.penetration_mm),
            same(first.heights, tally.heights, step=SAME_HEIGHT_M),
            same(first.tilts, tally.tilts, step=SAME_TILT_DEG),
        ]
        outcomes = ", ".join(f"{n} {word}" for word, n in tally.reasons.most_common())
        print(f"{way:10s}" + "".join(f"{value:11.2f}" for value in row) + f"   {outcomes}")


def main() -> None:
    """Measure both kinds of drop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    default = Physics()
    with World() as world, TemporaryDirectory() as folder:
        ways: dict[str, Callable[[Scene], Rest]] = {
            "naive": Naive(Path(folder)),
            "naive+": Naive(
                Path(folder),
                iterations=default.solver_iterations,
                residual=default.residual_threshold,
            ),
            "world 50": in_world(world, solver_iterations=50, residual_threshold=0.0),
            "world": in_world(world),
            "world 12": in_world(world, solver_iterations=12),
        }
        for kind in DROPS:
            measure(kind, arguments.scenes, arguments.seed, ways)


if __name__ == "__main__":
    main()
