"""What a task is once its file is read: complete, validated, with every object it names."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from simenv.errors import InputError
from simenv.spec import catalog, yaml
from simenv.spec.axes import axes
from simenv.spec.backdrop import backdrops
from simenv.spec.camera import CameraPose
from simenv.spec.check import check, named_objects
from simenv.spec.check_edges import check_edges
from simenv.spec.check_timeline import check_timeline
from simenv.spec.domain import AxisSpec, Distribution
from simenv.spec.edge import EdgeCase, Guarantee, Range
from simenv.spec.environment import Success
from simenv.spec.explain import explain, suggest
from simenv.spec.load_robot import load_robot
from simenv.spec.model import Rotation
from simenv.spec.object import ObjectModel, ObjectSpec
from simenv.spec.paths import Rejected, replace
from simenv.spec.robot import RobotModel
from simenv.spec.task import FURNITURE, ROBOT, TaskSpec
from simenv.spec.timeline import Change
from simenv.spec.yaml import Document, Key, Problem

__all__ = ["Task", "load_task", "schema", "task_from_text", "vary", "with_values"]

SCHEMA_ID = "https://simenv.github.io/schema"  # a name, not an address that is fetched

# In these, None says which form was not chosen; everywhere else it is a value and is written.
_ONE_OF = (Distribution, Rotation, CameraPose, Success, Change, EdgeCase, Guarantee, Range)


@dataclass(frozen=True, eq=False)
class Task:
    """A narrow domain: the nominal scene, what varies in it, and the objects it is made of."""

    spec: TaskSpec
    objects: Mapping[str, ObjectModel]  # every object that a group or an axis names, by name
    path: Path | None = None
    folder: Path | None = None  # where its own objects are looked for first
    images: Mapping[str, Path] = field(default_factory=dict)  # its backdrops by name
    robot: RobotModel | None = None  # the one that scene.robot names

    @property
    def name(self) -> str:
        """The task's name."""
        return self.spec.name

    @cached_property
    def text(self) -> str:
        """The whole task as YAML, every default filled in; `task_from_text` gives it back."""
        return yaml.write(_values(self.spec))

    @cached_property
    def sha256(self) -> str:
        """Digest of `text`."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def axes(self) -> dict[str, AxisSpec]:
        """Path -> axis of all that a scene has a value of; see `simenv.spec.axes`."""
        return axes(self.spec)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Every class that a body can have, furniture included, in the order of the alphabet."""
        furniture = {kind.removesuffix("s") for kind in FURNITURE if getattr(self.spec.scene, kind)}
        robot = {ROBOT} if self.robot is not None and self.robot.links else set()
        parts = {model.spec.class_ for model in self.objects.values()}
        return tuple(sorted(parts | furniture | robot))

    @property
    def keypoint_count(self) -> int:
        """Of the object that has most."""
        return max((len(model.spec.keypoints) for model in self.objects.values()), default=0)

    def backdrop(self, image: str | None) -> Path | None:
        """The file of a backdrop image that the task names."""
        return None if image is None else self.images[image]

    @cached_property
    def catalog_sha256(self) -> str:
        """Digest of all that the objects are: numbers, surfaces, hulls, textures; and backdrops."""
        digest = hashlib.sha256()
        parts = [part for _, model in sorted(self.objects.items()) for part in _contents(model)]
        parts += [path.read_bytes() for _, path in sorted(self.images.items())]
        parts += [] if self.robot is None else _robot_contents(self.robot)
        for part in parts:
            digest.update(len(part).to_bytes(8, "little") + part)
        return digest.hexdigest()


def _values(value: Any) -> Any:
    """A model as plain values in the order of its fields."""
    if isinstance(value, BaseModel):
        fields = {info.alias or key: getattr(value, key) for key, info in _fields(value)}
        skip_none = isinstance(value, _ONE_OF)
        return {k: _values(v) for k, v in fields.items() if v is not None or not skip_none}
    if isinstance(value, Mapping):
        return {key: _values(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_values, value))
    return value


def _fields(model: BaseModel) -> Any:
    return type(model).model_fields.items()


def _contents(model: ObjectModel) -> list[bytes]:
    surface = model.mesh
    arrays = [surface.vertices, surface.normals, surface.uvs, surface.faces, *model.hulls]
    textures = [] if model.folder is None else model.spec.textures.values()
    return [
        yaml.write(_values(model.spec)).encode(),
        *(np.ascontiguousarray(array, dtype="<f4").tobytes() for array in arrays),
        *(model.file(name).read_bytes() for name in textures),
    ]


def _robot_contents(robot: RobotModel) -> list[bytes]:
    """All that a robot is: its numbers, what physics knows of each piece, what is seen of links."""
    arrays: list[Any] = []
    for piece in robot.pieces:
        own = piece.inertial
        arrays += [piece.X_PJ, [own.mass_kg], own.X_LI, own.inertia, *piece.hulls]
        if (joint := piece.joint) is not None:
            arrays += [joint.axis, [joint.lower, joint.upper, joint.effort, joint.velocity]]
    gripper = "" if robot.gripper is None else yaml.write(_values(robot.gripper))
    return [
        yaml.write(_values(robot.spec)).encode(),
        gripper.encode(),
        *(np.ascontiguousarray(array, dtype="<f4").tobytes() for array in arrays),
        *(part for model in robot.links.values() for part in _contents(model)),
    ]


def load_task(source: str | Path) -> Task:
    """The task of a name in the catalog, or of a YAML file.

    Raises:
        InputError: one line ``file:line:column: key: what; the way out`` for each problem.
    """
    is_name = isinstance(source, str) and not ("/" in source or "." in source)
    path = catalog.find("tasks", str(source)) if is_name else Path(source)
    return _task(yaml.read(path), path, near=path.absolute().parent)


def task_from_text(text: str, *, near: Path | None = None) -> Task:
    """The task that ``text`` says, as it is stored in datasets; ``near``: where to look first.

    Raises:
        InputError: as `load_task`, with ``task`` in the place of the file.
    """
    return _task(yaml.parse(text, name="task"), None, near=near)


def _task(document: Document, path: Path | None, *, near: Path | None) -> Task:
    try:
        spec = TaskSpec.model_validate(document.value)
    except ValidationError as error:
        raise document.error(explain(error, TaskSpec, document.value)) from None
    images, problems = backdrops(spec, near)
    task = Task(
        spec, _objects(document, spec, near), path, near, images, _robot(document, spec, near)
    )
    problems += [*check(spec, task.objects, task.robot), *check_timeline(spec, task.objects)]
    problems += check_edges(spec, task.objects)
    if problems:
        raise document.error(problems)
    return task


def _robot(document: Document, spec: TaskSpec, near: Path | None) -> RobotModel | None:
    """The robot that the scene names, with its gripper.

    Raises:
        InputError: if there is no such robot, or its files are wrong.
    """
    use = spec.scene.robot
    if use is None:
        return None
    known = catalog.names("robots", near=near)
    for key, name in (("use", use.use), ("gripper", use.gripper)):
        if name is not None and name not in known:
            text = f"no robot {yaml.flow(name, cut=True)}; {suggest(name, known)}"
            raise document.error([Problem(("scene", "robot", key), text)])
    return load_robot(use.use, use.gripper, near=near)


def _objects(document: Document, spec: TaskSpec, near: Path | None) -> dict[str, ObjectModel]:
    """Every named object, by name.

    Raises:
        InputError: for all names that do not exist, and all problems of the files of those that do.
    """
    known = set(catalog.names("objects", near=near))
    wanted = named_objects(spec)
    unknown = {where: name for where, name in wanted.items() if name not in known}
    lines = [str(document.error([_unknown(*row, known)])) for row in unknown.items()]
    models = {}
    for name in sorted(set(wanted.values()) & known):
        try:
            models[name] = catalog.load_object(name, near=near)
        except InputError as error:
            lines.append(str(error))
    if lines:
        raise InputError("\n".join(lines))
    return models


def _unknown(where: tuple[Key, ...], name: str, known: set[str]) -> Problem:
    return Problem(where, f"no object {yaml.flow(name, cut=True)}; {suggest(name, sorted(known))}")


def vary(task: Task, values: Mapping[str, object]) -> TaskSpec:
    """The task's spec with ``values`` (dotted path -> value) in it, validated; the task stays.

    Raises:
        InputError: one line for each path that does not exist or value that is not acceptable.
    """
    try:
        return replace(task.spec, values)
    except Rejected as rejected:
        lines = (f"{task.path or task.name}: {problem}" for problem in rejected.problems)
        raise InputError("\n".join(lines)) from None


def with_values(task: Task, values: Mapping[str, object]) -> Task:
    """The task with other values (dotted path -> value), as if its file had said them.

    Other than `vary`, it may name other objects, another robot, or another ``domain``.

    Raises:
        InputError: for what does not exist, is not acceptable, or then no longer makes sense.
    """
    text = yaml.write(_values(vary(task, values)))
    changed = task_from_text(text, near=task.folder)
    return replace_fields(changed, path=task.path)


def schema(kind: str = "task") -> dict[str, Any]:
    """JSON Schema (2020-12) of a task file or an object file, for editors.

    Raises:
        InputError: if ``kind`` is neither ``task`` nor ``object``.
    """
    models: dict[str, type[BaseModel]] = {"task": TaskSpec, "object": ObjectSpec}
    if kind not in models:
        raise InputError(f"no schema {kind}; {suggest(kind, models)}")
    body = models[kind].model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{SCHEMA_ID}/simenv-{kind}-1.json",
        **body,
    }
