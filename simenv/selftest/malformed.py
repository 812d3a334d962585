"""Malformed tasks, objects, robots and meshes: one clear line each, nothing dies or hangs."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from simenv.assets.read import read as read_mesh
from simenv.domain.sample import sample
from simenv.errors import InputError
from simenv.physics.shape import movable_solid
from simenv.selftest.batch import Case, judge
from simenv.selftest.campaign import Outcome
from simenv.selftest.malformed_files import MESHES, OBJECTS, ROBOTS, TASKS, Spoil
from simenv.selftest.mutate import bytes_changed, lines_changed, numbers_changed
from simenv.selftest.small import TASK
from simenv.spec.calibration import describe
from simenv.spec.catalog import content_root, load_object
from simenv.spec.load import load_task, task_from_text
from simenv.spec.load_robot import load_robot

__all__ = ["campaign"]

OBJECT, ROBOT = "hex_bolt", "jaw85"

Read = Callable[[Path], object]


def campaign(folder: Path, trials: int, seed: int) -> Outcome:
    """All cases with a name, sound ones among them; then by chance, as many as are left."""
    rng = random.Random(seed)
    named = [*_named()]
    rng.shuffle(named)
    cases = [*named[:trials], *(_by_chance(rng) for _ in range(trials - len(named)))]
    failures, refused, accepted = list[str](), 0, 0
    for verdict in judge(cases, folder):
        refused += verdict.word == "refused"
        accepted += verdict.word == "accepted"
        failures += [verdict.failure] if verdict.failure else []
    figures = f"{refused} refused in clear lines, {accepted} accepted, {len(failures)} wrong"
    return Outcome(len(cases), tuple(failures), figures)


def _named() -> Iterator[Case]:
    for kind, spoils in (("object", OBJECTS), ("robot", ROBOTS), ("task", TASKS), ("mesh", MESHES)):
        make, read = KINDS[kind]
        yield Case(f"sound {kind}", make, read, "accept")
        yield from (_spoilt(kind, spoil) for spoil in spoils)


def _spoilt(kind: str, spoil: Spoil) -> Case:
    def make(place: Path) -> Path:
        path = KINDS[kind][0](place)
        return spoil.act(path) or path

    return Case(f"{kind} with {spoil.name}", make, KINDS[kind][1])


def _by_chance(rng: random.Random) -> Case:
    """One file of a sound task, object, robot or mesh, in which something is changed."""
    kind, number = rng.choice(list(KINDS)), rng.randrange(1 << 32)

    def make(place: Path) -> Path:
        path, own = KINDS[kind][0](place), random.Random(number)
        files = sorted(file for file in path.parent.rglob("*") if file.is_file())
        file = own.choice(files)
        text = file.suffix in (".yaml", ".obj", ".urdf", ".mtl")
        change = own.choice((bytes_changed, lines_changed, numbers_changed)[: 3 if text else 1])
        file.write_bytes(change(file.read_bytes(), own))
        return path

    return Case(f"{kind} by chance {number}", make, KINDS[kind][1], "either")


def _task(place: Path) -> Path:
    (place / "task.yaml").write_text(TASK)
    return place / "task.yaml"


def _object(place: Path) -> Path:
    shutil.copytree(content_root() / "objects" / OBJECT, place / OBJECT)
    return place / OBJECT / "object.yaml"


def _robot(place: Path) -> Path:
    shutil.copytree(content_root() / "robots" / ROBOT, place / ROBOT)
    return place / ROBOT / "robot.yaml"


def _mesh(place: Path) -> Path:
    source = content_root() / "objects" / OBJECT
    shutil.copyfile(source / f"{OBJECT}.obj", place / "mesh.obj")
    return place / "mesh.obj"


def _read_task(path: Path) -> None:
    """What is accepted says itself again, and has scenes."""
    task = load_task(path)
    if task_from_text(task.text, near=path.parent).text != task.text:
        raise RuntimeError("says something else when it is read again")
    sample(task, 0, 0)


def _read_object(path: Path) -> None:
    """What is accepted has finite masses and hulls."""
    model = load_object(path)
    solid = movable_solid(model)
    if not (solid.inertia > 0).all():
        raise RuntimeError(f"has the moments {solid.inertia}")


def _read_robot(path: Path) -> None:
    model = load_robot(path)
    if not all(piece.inertial.mass_kg > 0 for piece in model.pieces):
        raise RuntimeError("has a piece without mass")


def _read_mesh(path: Path) -> None:
    if path.suffix == ".yml":
        describe(path)
    elif not len(read_mesh(path).faces):
        raise InputError("has no faces")


KINDS: dict[str, tuple[Callable[[Path], Path], Read]] = {
    "task": (_task, _read_task),
    "object": (_object, _read_object),
    "robot": (_robot, _read_robot),
    "mesh": (_mesh, _read_mesh),
}
