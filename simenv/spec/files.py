"""Whether an object's files can be trusted: they exist, parse, and describe a real thing."""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv import mesh
from simenv.mesh import Mesh
from simenv.spec.explain import suggest
from simenv.spec.object import ObjectModel
from simenv.spec.yaml import Key, Problem, flow

__all__ = ["check", "check_backdrop"]

SIZE_M = (1e-3, 5.0)  # the longest side; Bullet's margins swallow smaller things
MAX_FILE_BYTES = 64_000_000
MAX_PIXELS = 8192  # of a texture's side
MAX_BACKDROP_PIXELS = 16_000_000  # of width times height
SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of a JPEG's frame header
FLAT = 1e-4  # thickness over length below which a hull has no volume
SOLID_KG_M3 = 23_000.0  # osmium; nothing in a bounding box is denser
FIT = (0.5, 2.0)  # collision diagonal over visual diagonal
INERTIA_SLACK = 1e-6  # relative, for rounding in the file


def check(model: ObjectModel) -> list[Problem]:
    """All problems with the object's files and the physical sense of its numbers."""
    # Each check needs what the one before it found to be true.
    return [*_shapes(model), *_textures(model)] or [*_sizes(model)] or [*_masses(model)]


def check_backdrop(folder: Path, image: str) -> str | None:
    """Why ``image`` cannot be the backdrop of a task in ``folder``; None if it can.

    Nothing is decoded that its header says is too large.
    """
    text = _out_of_reach(folder, image, "task")
    if text is not None:
        return text
    data = (folder / image).read_bytes()
    size = _png_size(data) or _jpeg_size(data)
    if size is not None and size[0] * size[1] > MAX_BACKDROP_PIXELS:
        largest = f"{MAX_BACKDROP_PIXELS // 1_000_000} million pixels"
        return f"{image} is {size[0]} x {size[1]}, more than {largest}; make it smaller"
    problem = _image_problem(data)
    return None if problem is None else f"{image} {problem}; save it again as PNG or JPEG"


def _shapes(model: ObjectModel) -> Iterator[Problem]:
    for key, name in (("mesh", model.spec.mesh), ("collision", model.spec.collision)):
        if isinstance(name, str):
            problem = _place((key,), name, model) or _obj(key, name, model)
            if problem is not None:
                yield problem


def _place(path: tuple[Key, ...], name: str, model: ObjectModel) -> Problem | None:
    """Whether ``name`` is a regular file inside the object's folder."""
    text = _out_of_reach(model.file("."), name, "object")
    return None if text is None else Problem(path, text)


def _out_of_reach(folder: Path, name: str, owner: str) -> str | None:
    """Why ``name`` is no regular file inside ``folder``, which is that of the ``owner``."""
    shown = flow(name, cut=True)
    if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
        return f"{shown} leaves the folder of the {owner}; copy the file into it"
    try:
        file = (folder / name).resolve()
        if not file.is_relative_to(folder.resolve()):
            return f"{shown} is a link out of the folder; copy the file into it"
        if not file.is_file():
            known = sorted(entry.name for entry in folder.iterdir())
            return f"no file {shown}; {suggest(name, known)}"
        if (size := file.stat().st_size) > MAX_FILE_BYTES:
            return f"{shown} has {size} bytes; at most {MAX_FILE_BYTES} are read"
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        return f"{shown} cannot be read: {error}; check the file"
    return None


def _obj(key: str, name: str, model: ObjectModel) -> Problem | None:
    """Whether the OBJ file parses; one that is too fine does not."""
    if not name.lower().endswith(".obj"):
        return Problem((key,), f"{name} is no OBJ file; export it as OBJ")
    try:
        _ = model.mesh if key == "mesh" else model.hulls  # read once, kept by the model
    except (ValueError, OSError) as error:
        line = re.fullmatch(r"line (\d+): (.*)", str(error), re.DOTALL)
        number, text = line.groups() if line else ("1", str(error))
        return Problem((key,), f"{name}:{number}: {text}; export the file again")
    return None


def _textures(model: ObjectModel) -> Iterator[Problem]:
    for variant, name in model.spec.textures.items():
        path = ("textures", variant)
        problem = _place(path, name, model)
        if problem is None and (text := _image_problem(model.file(name).read_bytes())):
            problem = Problem(path, f"{name} {text}; save it again as PNG or JPEG")
        if problem is not None:
            yield problem


def _image_problem(data: bytes) -> str | None:
    """Why ``data`` is not a whole PNG or JPEG image; decoders fill missing rows in silence."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        problem = _png_problem(data)
    elif data.startswith(b"\xff\xd8\xff"):
        problem = None if data.rstrip(b"\0").endswith(b"\xff\xd9") else "is cut off"
    else:
        problem = "is neither PNG nor JPEG"
    problem = problem or _too_large(data)
    if problem is None:
        import cv2  # slow to import

        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            return "cannot be decoded"
    return problem


def _too_large(data: bytes) -> str | None:
    """By the header alone: decoding takes the room that the image claims."""
    size = _png_size(data) or _jpeg_size(data)
    if size is None:
        return "has no header that tells its size"
    return f"is larger than {MAX_PIXELS} pixels" if max(size) > MAX_PIXELS else None


def _png_size(data: bytes) -> tuple[int, int] | None:
    """Width and height that a PNG header tells."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in the first frame header (SOF, ITU-T T.81 B.2.2) of a JPEG."""
    position = 2
    while data[:2] == b"\xff\xd8" and data[position : position + 1] == b"\xff":
        marker, length = struct.unpack(">BH", data[position + 1 : position + 4].ljust(3, b"\0"))
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker in SOF:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9].ljust(4, b"\0"))
            return width, height
        else:
            position += 2 + length
    return None


def _png_problem(data: bytes) -> str | None:
    """Walks the chunks (length, type, data, CRC) to the end."""
    position, kind = 8, b""
    while kind != b"IEND":
        header = data[position : position + 8]
        if len(header) < 8:
            return "is cut off"
        length, kind = struct.unpack(">I4s", header)
        body = data[position + 4 : position + 8 + length]
        stored = data[position + 8 + length : position + 12 + length]
        if len(stored) < 4:
            return "is cut off"
        if zlib.crc32(body) != struct.unpack(">I", stored)[0]:
            return "is damaged (a checksum differs)"
        if kind == b"IHDR" and max(struct.unpack(">II", body[4:12])) > MAX_PIXELS:
            return f"is larger than {MAX_PIXELS} pixels"
        position += 12 + length
    return None


def _sizes(model: ObjectModel) -> Iterator[Problem]:
    visual = model.mesh.vertices
    collision = _collision_points(model)
    length = float(np.ptp(visual, axis=0).max())
    if length > SIZE_M[1]:
        hint = "; are these millimetres? scale the mesh by 0.001" if length > 10 else "; scale it"
        yield Problem(("mesh",), f"is {length:.4g} m long, more than {SIZE_M[1]:g} m{hint}")
    elif length < SIZE_M[0]:
        text = f"is {length:.4g} m long, less than {SIZE_M[0]:g} m; is its unit metres? scale it"
        yield Problem(("mesh",), text)
    elif mesh.is_closed(model.mesh) and mesh.signed_volume(model.mesh) < 0:
        text = "has its faces turned inwards (clockwise seen from outside); flip them"
        yield Problem(("mesh",), text)
    else:
        yield from _fit(visual, collision)
        for i, hull in enumerate(model.hulls):
            if _is_flat(hull):
                text = f"hull {i + 1} has no volume ({len(hull)} points); give it thickness"
                yield Problem(("collision",), text)


def _collision_points(model: ObjectModel) -> NDArray[np.float64]:
    if isinstance(model.spec.collision, str):
        return np.concatenate(model.hulls)
    surfaces: list[Mesh] = [shape.mesh() for shape in model.spec.collision]
    return np.concatenate([surface.vertices for surface in surfaces])


def _fit(visual: NDArray[np.float64], collision: NDArray[np.float64]) -> Iterator[Problem]:
    """What touches must be about where and about as large as what is seen."""
    ratio = float(
        np.linalg.norm(np.ptp(collision, axis=0)) / np.linalg.norm(np.ptp(visual, axis=0))
    )
    apart = (collision.min(axis=0) > visual.max(axis=0)) | (
        collision.max(axis=0) < visual.min(axis=0)
    )
    if not FIT[0] <= ratio <= FIT[1]:
        text = f"is {ratio:.3g} times as large as the mesh; use the same unit, metres, in both"
        yield Problem(("collision",), text)
    elif apart.any():
        text = "does not touch the mesh; give both in the same frame"
        yield Problem(("collision",), text)


def _is_flat(points: NDArray[np.float64]) -> bool:
    if len(points) < 4:
        return True
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[2] < FLAT * spread[0])


def _masses(model: ObjectModel) -> Iterator[Problem]:
    spec, vertices = model.spec, model.mesh.vertices
    box_m3 = float(np.prod(np.ptp(vertices, axis=0)))
    if spec.mass_kg == 0:
        yield Problem(("mass_kg",), "a part must weigh something, got 0; write its kilograms")
    elif box_m3 > 0 and spec.mass_kg / box_m3 > SOLID_KG_M3:
        text = f"{spec.mass_kg:g} kg in {box_m3:.3g} m3 is denser than any metal"
        yield Problem(("mass_kg",), f"{text}; are these grams? write kilograms")
    if spec.com_m is not None:
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        if ((spec.com_m < low) | (spec.com_m > high)).any():
            yield Problem(("com_m",), f"lies outside the mesh, got {list(spec.com_m)}; use metres")
    if spec.inertia_kg_m2 is not None:
        moments = np.linalg.eigvalsh(model.mass_properties[1])
        # Any real body: positive moments, none above the sum of the others.
        if moments[0] <= 0 or moments[2] > (moments[0] + moments[1]) * (1 + INERTIA_SLACK):
            text = f"no body has these principal moments {moments.round(9).tolist()}; remove it"
            yield Problem(("inertia_kg_m2",), f"{text} to compute it from the mesh")
