"""Where the parts of an edge case start: by construction, before the others find their places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simenv import hull, pose
from simenv.compose.border import on_border
from simenv.compose.ledge import ledge
from simenv.compose.rest import Rest, rests
from simenv.compose.spawn import Placed, extreme_points, positions
from simenv.errors import InputError
from simenv.pose import Matrix
from simenv.scene import BeltMotion, Body
from simenv.spec.edge import EdgeCase
from simenv.spec.load import Task
from simenv.spec.object import ObjectModel
from simenv.spec.task import TaskSpec, Zone

__all__ = ["Built", "Part", "as_built", "build", "riding"]

CLEAR_M = 5e-4  # between a built part and what it comes to lie on
TOUCH_M = 1e-4  # between twins: physics pushes parts apart that start inside each other
OFF_CENTER = 0.5  # of the radius of a flat top: how far from its middle the cover's weight is
TIP_DEG = 12.0  # what stands less steadily than this falls when the belt moves
OVER = -0.85  # cosine of a z axis that points down
REACHES_OUT = (0.4, 0.8)  # of the way from the weight to the outermost point

Models = Sequence[ObjectModel]
Part = tuple[str, int]  # group, number in it


@dataclass(frozen=True, eq=False)
class Built:
    """A part that an edge case places."""

    model: ObjectModel
    placed: Placed


@dataclass(frozen=True, eq=False)
class _Plan:
    """What a builder works with."""

    name: str
    case: EdgeCase
    task: Task
    spec: TaskSpec
    group: str
    rng: np.random.Generator

    @property
    def zone(self) -> Zone:
        """Where the group starts; its plane carries what is built."""
        return self.spec.scene.zones[self.spec.actors[self.group].spawn.zone]

    def models(self, names: Sequence[str]) -> list[ObjectModel]:
        """The objects of these names; none: those of the group."""
        own = self.task.spec.actors[self.group].objects
        return [self.task.objects[name] for name in names or _tuple(own)]

    def one_of(self, models: Models) -> ObjectModel:
        """Any of them."""
        return models[int(self.rng.integers(len(models)))]

    def yaw(self) -> NDArray[np.float64]:
        """Any turn about the vertical, (3, 3)."""
        return pose.from_rpy_deg((0.0, 0.0, float(self.rng.uniform(0.0, 360.0))))[:3, :3]

    def lying(self, able: Callable[[Rest], bool] = lambda rest: True) -> tuple[ObjectModel, Rest]:
        """Any object that has such a rest, and the first of those; see `rests`.

        Raises:
            InputError: if no object has one.
        """
        models = self.models(self.case.items)
        found = [model for model in models if any(map(able, rests(model)))]
        if not found:
            names = ", ".join(model.spec.name for model in models)
            raise InputError(
                f"{self.task.path or self.task.name}: edge_cases.{self.name}: "
                f"{self.case.build} needs an object that can lie so, and none of {names} can; "
                "name another one with objects"
            )
        model = self.one_of(found)
        return model, next(filter(able, rests(model)))


Cluster = list[tuple[ObjectModel, Matrix]]  # poses over the plane z = 0


def build(name: str, task: Task, spec: TaskSpec, rng: np.random.Generator) -> Mapping[Part, Built]:
    """The parts that the edge case ``name`` places.

    They take the places of parts that the scene has; where it has too few, as many as there are.

    Raises:
        InputError: if no object can be built so, or there is no place for it.
    """
    case = task.spec.edge_cases[name]
    if case.build is None:
        return {}
    plan = _Plan(name, case, task, spec, case.group or next(iter(spec.actors)), rng)
    cluster = _BUILDERS[case.build](plan)
    numbers = rng.permutation(spec.actors[plan.group].count)
    pairs = zip(numbers.tolist(), cluster, strict=False)
    return {(plan.group, part): _built(*own) for part, own in pairs}


def as_built(
    part_values: Mapping[str, tuple[object, ...]],
    bodies: Sequence[Body],
    built: Mapping[Part, Built],
) -> Mapping[str, tuple[object, ...]]:
    """The values of the parts, where an axis did not place those that an edge case placed."""
    values = dict(part_values)
    for (group, part), own in built.items():
        body = next(body for body in bodies if body.name == f"{group}/{part}")
        known = {"objects": own.model.spec.name, "texture": body.texture}
        for path, row in values.items():
            _, of, key = path.split(".", 2)
            if of == group and (key in known or key.startswith("spawn.")):
                values[path] = (*row[:part], known.get(key), *row[part + 1 :])
    return values


def riding(
    bodies: tuple[Body, ...],
    built: Mapping[Part, Built],
    belts: Sequence[BeltMotion],
    objects: Mapping[str, ObjectModel],
) -> tuple[Body, ...]:
    """The bodies, those that an edge case placed over a belt as fast as it is from the start.

    A part that stands would be thrown over by a belt that starts under it.
    """
    names = {f"{group}/{part}" for group, part in built}
    return tuple(
        replace(body, velocity=_velocity(body, bodies, belts, objects))
        if body.name in names
        else body
        for body in bodies
    )


def _velocity(
    body: Body,
    bodies: tuple[Body, ...],
    belts: Sequence[BeltMotion],
    objects: Mapping[str, ObjectModel],
) -> NDArray[np.float64] | None:
    """(6,) of the belt under the body's origin; None where there is none."""
    for belt in belts:
        own = bodies[belt.body]
        p_BA = pose.apply(pose.inverse(own.X_WB), body.X_WB[:3, 3])
        if (np.abs(p_BA[:2]) <= objects[own.object].mesh.extents[:2] / 2).all():
            return np.array([*(belt.direction * belt.speed(0.0, None)), 0.0, 0.0, 0.0])
    return None


def _built(model: ObjectModel, X_WB: Matrix) -> Built:
    points = pose.apply(X_WB, extreme_points(model))
    box = np.stack([points.min(axis=0), points.max(axis=0)])
    return Built(model, Placed(X_WB, box, stacked_m=0.0))


def _on_plane(rest: Rest, R: NDArray[np.float64], z_m: float = 0.0) -> Matrix:
    """The pose over z = 0 of a body that lies as ``rest`` says, then turned by ``R`` (3, 3)."""
    return pose.pose(R @ rest.R_WB, (0.0, 0.0, z_m + rest.bottom_m + CLEAR_M))


def _in_zone(plan: _Plan, cluster: Cluster) -> Cluster:
    """The cluster anywhere in the zone of its group."""
    points = np.concatenate([pose.apply(X, extreme_points(model))[:, :2] for model, X in cluster])
    p = positions(points, plan.zone, plan.rng.random((1, 2)))[0]
    return _moved(cluster, (*p, plan.zone.center[2]))


def _moved(cluster: Cluster, p: ArrayLike) -> Cluster:
    return [(model, pose.pose(X[:3, :3], X[:3, 3] + np.asarray(p))) for model, X in cluster]


def _single(plan: _Plan, able: Callable[[Rest], bool]) -> Cluster:
    model, rest = plan.lying(able)
    return _in_zone(plan, [(model, _on_plane(rest, plan.yaw()))])


def _upside_down(plan: _Plan) -> Cluster:
    return _single(plan, lambda rest: rest.up < OVER and rest.tip_deg > TIP_DEG)


def _wrong_item(plan: _Plan) -> Cluster:
    return _single(plan, lambda rest: True)


def _standing(plan: _Plan) -> Cluster:
    """On the face that lifts its weight highest, of those it does not fall from at once."""
    model = plan.one_of(plan.models(plan.case.items))
    steady = [rest for rest in rests(model) if rest.tip_deg > TIP_DEG] or rests(model)[:1]
    rest = max(steady, key=lambda rest: float(rest.com_W[2]))
    return _in_zone(plan, [(model, _on_plane(rest, plan.yaw()))])


def _stack(plan: _Plan) -> Cluster:
    """A part with a flat top, and another one that lies on it with its weight over that top."""
    model, rest = plan.lying(lambda rest: rest.top_m > CLEAR_M)
    R = plan.yaw()
    covers = plan.models(plan.case.covers)
    largest = max(covers, key=lambda cover: cover.diameter_m)
    cover = plan.one_of(covers) if plan.case.covers else largest
    over, turn = rests(cover)[0], plan.yaw()
    off = plan.yaw() @ (plan.rng.uniform(0.0, OFF_CENTER) * rest.top_m, 0.0, 0.0)
    middle = R @ (*rest.top_W, 0.0) + off - turn @ over.com_W
    tall = float(np.ptp(extreme_points(model) @ rest.R_WB[2]))
    top = _on_plane(over, turn, tall + CLEAR_M)
    top[:2, 3] = middle[:2]
    return _in_zone(plan, [(model, _on_plane(rest, R)), (cover, top)])


def _twins(plan: _Plan) -> Cluster:
    """Two of one object side by side, turned alike, one pushed against the other."""
    model, rest = plan.lying()
    X = _on_plane(rest, plan.yaw())
    own = [pose.apply(X, corners) for corners in model.pieces]
    way = plan.yaw()[:, 0]
    aside = pose.pose(X[:3, :3], X[:3, 3] + way * (hull.slide(own, own, way) + TOUCH_M))
    return _in_zone(plan, [(model, X), (model, aside)])


def _overhang(plan: _Plan) -> Cluster:
    """Across an edge of what the zone lies on, its weight still inside."""
    model, rest = plan.lying()
    X = _on_plane(rest, plan.yaw())
    edge = ledge(plan.spec.scene, plan.zone, plan.rng, where=plan.name)
    com_W = pose.apply(X, model.mass_properties[0][None])[0]
    reach = float(((pose.apply(X, extreme_points(model)) - com_W) @ (*edge.out, 0.0)).max())
    inside = reach * (1.0 - plan.rng.uniform(*REACHES_OUT))
    p = edge.point - inside * edge.out - com_W[:2]
    return _moved([(model, X)], (*p, edge.z_m))


def _border(plan: _Plan) -> Cluster:
    """Cut by the border of the picture, on what lies under it."""
    model, rest = plan.lying()
    X = _on_plane(rest, plan.yaw())
    com_W = pose.apply(X, model.mass_properties[0][None])[0]
    p = on_border(plan.spec, plan.case.camera, plan.rng, where=plan.name)
    return _moved([(model, X)], p - (*com_W[:2], 0.0))


_BUILDERS: Mapping[str, Callable[[_Plan], Cluster]] = {
    "border": _border,
    "overhang": _overhang,
    "stack": _stack,
    "standing": _standing,
    "twins": _twins,
    "upside_down": _upside_down,
    "wrong_item": _wrong_item,
}


def _tuple(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
