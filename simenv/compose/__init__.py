"""What stands where when the drop begins: a task and the values of its axes become one scene."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.compose.camera import cameras
from simenv.compose.edges import Built, Part, as_built, build, riding
from simenv.compose.furniture import furnish, ground
from simenv.compose.robot import links
from simenv.compose.robot import robot as place_robot
from simenv.compose.spawn import Placed, place
from simenv.domain.sample import Sample
from simenv.domain.stream import stream
from simenv.scene import BeltMotion, Body, Scene
from simenv.spec.load import Task, vary
from simenv.spec.look import PROCEDURAL_TEXTURES
from simenv.spec.object import Friction, ObjectModel
from simenv.spec.task import Actors, SceneSpec, TaskSpec

__all__ = ["compose"]

CANDIDATES = 32  # places tried for a scattered part; the lowest free one is taken


def compose(task: Task, sample: Sample, *, seed: int) -> Scene:
    """The scene of ``task`` that ``sample`` describes.

    Parts come first (ids 1, 2, ... group after group), then belts, tables and bins, then the links
    of the robot, then the floor with id 0. No two parts' bounding boxes come closer than 2 mm. A
    group's texture applies to the parts that have it.

    Args:
        task: the nominal scene and its objects.
        sample: the value of every axis.
        seed: the one the sample was drawn with; scattered positions come from it.

    Raises:
        InputError: if a value is not acceptable to the task.
    """
    spec = vary(task, {**sample.values, **sample.set_values})
    built = _built(task, spec, sample, seed)
    parts, crowded = _parts(task, spec, sample, seed, built)
    rows = [*parts, *furnish(spec.scene, task, first_id=len(parts) + 1)]
    robot = None if task.robot is None else place_robot(spec, task.robot, first_row=len(rows))
    if robot is not None:
        rows += links(robot, first_id=len(rows) + 1)
    rows += ground(spec.scene, task)
    bodies = tuple(body for body, _ in rows)
    belts = _belts(spec.scene, bodies)
    floor = spec.scene.floor
    return Scene(
        index=sample.scene,
        attempt=sample.attempt,
        tier=sample.tier,
        gravity_m_s2=spec.scene.gravity_m_s2,
        floor_z_m=floor.z_m if floor else None,
        floor_friction=floor.friction if floor else Friction(),
        bodies=riding(bodies, built, belts, {body.object: model for body, model in rows}),
        objects={body.object: model for body, model in rows},
        belts=belts,
        cameras=cameras(spec),
        capture=spec.capture,
        look=spec.look,
        physics=spec.physics,
        scene_values=sample.values,
        part_values=as_built(sample.part_values, [body for body, _ in parts], built),
        crowded=crowded,
        labels=frozenset(spec.labels),
        classes=task.classes,
        keypoint_count=task.keypoint_count,
        visual_seed=seed if sample.look_seed is None else sample.look_seed,
        backdrop=task.backdrop(spec.look.backdrop.image),
        robot=robot,
        time_days=sample.time_days,
        set_values=sample.set_values,
    )


def _built(task: Task, spec: TaskSpec, sample: Sample, seed: int) -> Mapping[Part, Built]:
    """What the edge case of this scene places itself; nothing in any other scene."""
    if sample.tier not in task.spec.edge_cases:
        return {}
    rng = stream(seed, sample.scene, f"edge_cases.{sample.tier}", attempt=sample.attempt)
    return build(sample.tier, task, spec, rng)


def _parts(
    task: Task, spec: TaskSpec, sample: Sample, seed: int, built: Mapping[Part, Built]
) -> tuple[list[tuple[Body, ObjectModel]], bool]:
    """The parts, and whether one of them had to be stacked higher than its group allows."""
    rows: list[tuple[Body, ObjectModel]] = []
    taken, crowded = np.array([own.placed.box for own in built.values()]).reshape(-1, 2, 3), False
    for group in spec.actors:
        for part, own in enumerate(_each(spec, group, sample)):
            if fixed := built.get((group, part)):
                body = _body(len(rows) + 1, group, part, own, fixed.model, fixed.placed)
                rows.append((body, fixed.model))
                continue
            model = _model(task, own, part)
            fractions = _fractions(sample, seed, group, part, own)
            placed = place(model, own.spawn, spec.scene.zones[own.spawn.zone], fractions, taken)
            crowded |= placed.stacked_m > own.spawn.stack_m
            taken = np.concatenate([taken, placed.box[None]])
            rows.append((_body(len(rows) + 1, group, part, own, model, placed), model))
    return rows, crowded


def _each(spec: TaskSpec, group: str, sample: Sample) -> Iterator[Actors]:
    """The group as each of its parts has it: one ``Actors`` a part, with the part's own values."""
    actors, start = spec.actors[group], f"actors.{group}."
    own = {path: row for path, row in sample.part_values.items() if path.startswith(start)}
    nominal = actors.model_dump() if own else {}
    for part in range(actors.count):
        values = nominal
        for path, row in own.items():
            values = _replaced(values, path.removeprefix(start).split("."), row[part])
        yield Actors.model_validate(values) if own else actors


def _replaced(tree: Mapping[str, Any], keys: Sequence[str], value: object) -> dict[str, Any]:
    first, *rest = keys
    return {**tree, first: _replaced(tree[first], rest, value) if rest else value}


def _model(task: Task, own: Actors, part: int) -> ObjectModel:
    names = own.objects
    return task.objects[names if isinstance(names, str) else names[part % len(names)]]


def _fractions(
    sample: Sample, seed: int, group: str, part: int, own: Actors
) -> NDArray[np.float64]:
    """Candidate places (N, 2) as fractions of the zone."""
    if own.spawn.position != "scatter":
        return np.array([own.spawn.position])
    path = f"actors.{group}.spawn.position"
    return stream(seed, sample.scene, path, part, sample.attempt).random((CANDIDATES, 2))


def _body(
    identity: int, group: str, part: int, own: Actors, model: ObjectModel, placed: Placed
) -> Body:
    known = own.texture in model.spec.textures or own.texture in PROCEDURAL_TEXTURES
    texture = own.texture if known else None
    plain = model.spec.color if texture is None else (1.0, 1.0, 1.0)
    return Body(
        id=identity,
        name=f"{group}/{part}",
        group=group,
        object=model.spec.name,
        X_WB=placed.X_WB,
        fixed=False,
        friction=model.spec.friction,
        texture=texture,
        color=plain if own.color is None else own.color,
        roughness=model.spec.roughness if own.roughness is None else own.roughness,
        metallic=model.spec.metallic if own.metallic is None else own.metallic,
        role=own.role,
    )


def _belts(scene: SceneSpec, bodies: Sequence[Body]) -> tuple[BeltMotion, ...]:
    rows = {body.name: row for row, body in enumerate(bodies)}
    return tuple(
        BeltMotion(
            body=rows[f"belts/{name}"],
            direction=bodies[rows[f"belts/{name}"]].X_WB[:3, 0].copy(),
            speed_m_s=belt.speed_m_s,
            profile=belt.profile,
            profile_from=belt.profile_from,
        )
        for name, belt in scene.belts.items()
    )
