"""How a mesh file becomes objects/<name>/: read, mended, decomposed, measured, then put there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from simenv import mesh
from simenv.assets.decompose import Pieces, decompose
from simenv.assets.dress import dress
from simenv.assets.finding import Finding
from simenv.assets.intake import Intake, take_in
from simenv.assets.picture import picture
from simenv.assets.place import Place
from simenv.assets.report import Report, examine
from simenv.assets.soup import Soup
from simenv.assets.stable import rests
from simenv.assets.symmetry import Symmetries, propose
from simenv.assets.wish import Wish
from simenv.dataset.disk import storage
from simenv.errors import InputError
from simenv.export.png import png
from simenv.parts.hulls import save_hulls
from simenv.parts.part import yaml_text
from simenv.spec.catalog import load_object
from simenv.spec.object import ObjectModel

__all__ = ["import_object"]

HULLS, REPORT, PICTURE = "collision.obj", "report.json", "preview.png"
THIN_BOX = (
    2e-4  # volume over that of the bounding box; from half of it on, simenv.mesh takes the box
)
SUFFIXES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}


def import_object(wish: Wish) -> Report:
    """Make the object; nothing of it stands under its name before all of it does.

    Raises:
        InputError: the file cannot be an object, with the reason and the way out.
        Locked: another import writes the same object.
        StorageError: the disk refuses.
    """
    with Place(wish.out, wish.name, replace=wish.replace) as place:
        intake = take_in(wish.path, unit=wish.unit, scale=wish.scale)
        try:
            pieces = decompose(intake.surface)
        except InputError as error:
            raise InputError(f"{wish.path}: {error}") from None
        symmetries = propose(intake.surface)
        image = _image(intake.surface)
        with storage(place.final, 0):
            model = _write(place.folder, wish, intake, pieces, symmetries, image)
            report = _measure(model, intake, pieces, symmetries)
            _finish(place.folder, model, report)
        place.stand()
    return report


def _image(surface: Soup) -> tuple[str, bytes]:
    """File suffix and bytes of the texture; none if its format is another."""
    for start, suffix in SUFFIXES.items():
        if surface.image.startswith(start):
            return suffix, surface.image
    return "", b""


def _write(
    folder: Path,
    wish: Wish,
    intake: Intake,
    pieces: Pieces,
    symmetries: Symmetries,
    image: tuple[str, bytes],
) -> ObjectModel:
    """The files that an object needs, read back and checked."""
    suffix, data = image
    mesh.save_obj(folder / f"{wish.name}.obj", dress(intake.surface))
    save_hulls(folder / HULLS, pieces.hulls)
    if data:
        (folder / f"own{suffix}").write_bytes(data)
    description = _description(wish, intake.surface, symmetries, suffix)
    (folder / "object.yaml").write_text(yaml_text(description), encoding="utf-8")
    try:
        return load_object(folder)
    except InputError as error:
        text = str(error).replace(f"{folder}/", "")
        raise InputError("\n".join(f"{wish.path}: {line}" for line in text.splitlines())) from None


def _description(wish: Wish, surface: Soup, symmetries: Symmetries, suffix: str) -> dict[str, Any]:
    """What object.yaml says, in the order of the file."""
    mass = wish.mass_kg
    if mass is None:
        assert wish.density_kg_m3 is not None
        mass = float(f"{surface.volume * wish.density_kg_m3:.4g}")
    said = {
        "format": "simenv-object-1",
        "name": wish.name,
        "class": wish.class_ or wish.name,
        "summary": f"Imported from {wish.path.name}. Origin and axes: as in that file.",
        "mesh": f"{wish.name}.obj",
        "collision": HULLS,
        "mass_kg": mass,
        **_inertia(surface, mass),
        "friction": {"lateral": wish.friction, "rolling": 0.001, "spinning": 0.001},
        "color": list(wish.color),
        "textures": {"own": f"own{suffix}"} if suffix else {},
        "symmetry": symmetries.description(),
        "source": wish.path.name,
        "license": wish.license,
    }
    return {key: value for key, value in said.items() if value != {}}


def _inertia(surface: Soup, mass: float) -> dict[str, Any]:
    """Said only where the part fills so little of its box that simenv would take the box."""
    if surface.volume > THIN_BOX * float(np.prod(surface.extents)):
        return {}
    com, inertia = solid(surface, mass)
    rows, columns = (0, 1, 2, 0, 0, 1), (0, 1, 2, 1, 2, 2)
    return {
        "com_m": [float(f"{x:.9g}") for x in com],
        "inertia_kg_m2": [float(f"{x:.9g}") for x in inertia[rows, columns]],
    }


def solid(surface: Soup, mass: float) -> tuple[Any, Any]:
    """Centre of mass (3,) and inertia (3, 3) about it of an evenly filled surface."""
    middle = surface.vertices.mean(axis=0)
    a, b, c = np.swapaxes(surface.triangles - middle, 0, 1)
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
    com = volumes @ (a + b + c) / (4.0 * volumes.sum())
    a, b, c = a - com, b - com, c - com
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
    second = sum(np.einsum("n,ni,nj->ij", volumes, x, x) for x in (a, b, c, a + b + c))
    second = second * (mass / (20.0 * volumes.sum()))
    return com + middle, np.eye(3) * np.trace(second) - second


def _measure(model: ObjectModel, intake: Intake, pieces: Pieces, symmetries: Symmetries) -> Report:
    touching = np.concatenate(model.hulls)
    ways = rests(touching, model.mass_properties[0], symmetries)
    report = examine(model, intake, pieces, symmetries, ways)
    if intake.surface.image and not model.spec.textures:
        line = Finding("note", "its texture is neither PNG nor JPEG, so it was left out")
        return Report(report.name, (*report.findings, line), report.figures)
    return report


def _finish(folder: Path, model: ObjectModel, report: Report) -> None:
    (folder / PICTURE).write_bytes(png(picture(model)))
    (folder / REPORT).write_text(json.dumps(report.plain(), indent=1) + "\n")
