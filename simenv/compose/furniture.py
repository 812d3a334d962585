"""What belts, tables, bins and the floor are made of: objects of a few boxes, like any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache

from simenv import pose
from simenv.scene import Body
from simenv.spec.load import Task
from simenv.spec.object import Box, Friction, ObjectModel, ObjectSpec
from simenv.spec.task import FURNITURE, Belt, Bin, Floor, SceneSpec, Table

__all__ = ["furnish", "ground"]

FLOOR_THICKNESS_M = 0.02  # of what is seen of the floor; for physics it is an endless plane
LONGEST_NAME = 64  # characters that the name of an object may have
TEXTURE_REPEAT_M = 0.5  # period of the textures of furniture and floor

Item = Belt | Table | Bin | Floor


def furnish(scene: SceneSpec, task: Task, *, first_id: int) -> Iterator[tuple[Body, ObjectModel]]:
    """The furniture of ``scene`` with ids from ``first_id``.

    The frame of a belt or table is the centre of its box; that of a bin is the centre of its outer
    bottom. The object of an item is named after it; where its size is not that in ``task``, a
    digest of the boxes follows, so that one name means one geometry in a whole dataset.
    """
    identity = first_id
    for group in FURNITURE:
        nominal = getattr(task.spec.scene, group)
        for name, item in getattr(scene, group).items():
            model = _object(f"{group.removesuffix('s')}_{name}", item, nominal[name], task)
            yield _body(identity, f"{group}/{name}", group, item, model), model
            identity += 1


def ground(scene: SceneSpec, task: Task) -> Iterator[tuple[Body, ObjectModel]]:
    """The floor, if there is one, with id 0; its frame is the centre of its box."""
    if scene.floor is not None:
        model = _object("floor", scene.floor, task.spec.scene.floor or scene.floor, task)
        yield _body(0, "floor", "floor", scene.floor, model), model


def _body(identity: int, name: str, group: str, item: Item, model: ObjectModel) -> Body:
    center, yaw_deg = (0.0, 0.0), 0.0
    if not isinstance(item, Floor):
        center, yaw_deg = item.center, item.yaw_deg
    return Body(
        id=identity,
        name=name,
        group=group,
        object=model.spec.name,
        X_WB=pose.from_rpy_deg((0.0, 0.0, yaw_deg), (*center, _height(item))),
        fixed=True,
        friction=item.friction,
        texture=item.texture,
        color=item.color,
        roughness=item.roughness,
        metallic=item.metallic,
        role="furniture",
    )


def _height(item: Item) -> float:
    """World z of the item's frame."""
    if isinstance(item, Bin):
        return item.base_z_m
    if isinstance(item, Floor):
        return item.z_m - FLOOR_THICKNESS_M / 2
    return item.top_z_m - item.thickness_m / 2


def _boxes(item: Item) -> tuple[Box, ...]:
    """The item's boxes in its own frame."""
    if isinstance(item, Belt):
        return (_box(item.length_m, item.width_m, item.thickness_m),)
    if isinstance(item, Table):
        return (_box(*item.size_m, item.thickness_m),)
    if isinstance(item, Floor):
        return (_box(item.size_m, item.size_m, FLOOR_THICKNESS_M),)
    (x, y, z), wall = item.inner_size_m, item.wall_m
    across, along = (x + wall) / 2, (y + wall) / 2
    rim = wall + z / 2
    return (
        _box(x + 2 * wall, y + 2 * wall, wall, p=(0.0, 0.0, wall / 2)),
        _box(wall, y + 2 * wall, z, p=(across, 0.0, rim)),
        _box(wall, y + 2 * wall, z, p=(-across, 0.0, rim)),
        _box(x, wall, z, p=(0.0, along, rim)),
        _box(x, wall, z, p=(0.0, -along, rim)),
    )


def _box(x: float, y: float, z: float, *, p: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Box:
    return Box(shape="box", size_m=(x, y, z), p=p)


def _object(stem: str, item: Item, nominal: Item, task: Task) -> ObjectModel:
    boxes, name = _boxes(item), stem
    if boxes != _boxes(nominal) or stem in task.objects or len(stem) > LONGEST_NAME:
        shape = json.dumps([stem, *(box.model_dump() for box in boxes)])
        digest = hashlib.sha256(shape.encode()).hexdigest()[:8]
        name = f"{stem[: LONGEST_NAME - 9]}_{digest}"
    return _model(name, stem.partition("_")[0], boxes, nominal.friction)


@lru_cache(maxsize=256)  # keeps the meshes, and one identity for one geometry
def _model(name: str, class_: str, boxes: tuple[Box, ...], friction: Friction) -> ObjectModel:
    return ObjectModel(
        ObjectSpec(
            name=name,
            class_=class_,
            summary="Furniture of the scene.",
            mesh=boxes,
            collision=boxes,
            mass_kg=0.0,
            friction=friction,
            color=(1.0, 1.0, 1.0),
            texture_repeat_m=TEXTURE_REPEAT_M,
            source="simenv",
            license="CC0-1.0",
        )
    )
