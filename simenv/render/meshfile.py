"""Where the engine reads its surfaces from: one OBJ + MTL + PNG in a private folder, per variant.

Textures work under EGL only when they are baked into an MTL; a texture changed later hits another
body (bullet3 uses an instance id as a shape index there).
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv import mesh
from simenv.errors import InputError, StorageError
from simenv.mesh import Mesh
from simenv.render import texture
from simenv.scratch import ScratchFolder
from simenv.spec.object import ObjectModel

__all__ = ["MeshFiles", "texture_source"]


def texture_source(model: ObjectModel, variant: str | None) -> str | Path | None:
    """A procedural texture's name, or the image file, that ``variant`` of ``model`` stands for.

    Raises:
        InputError: if there is neither a variant nor a procedural texture of that name.
    """
    if variant is None:
        return None
    name = model.spec.textures.get(variant, variant)
    if name in texture.NAMES:
        return name
    if variant in model.spec.textures:
        return model.file(name)
    known = ", ".join([*model.spec.textures, *texture.NAMES])
    raise InputError(f"{model.spec.name}: no texture {variant!r}; there is {known}")


class MeshFiles:
    """A scratch folder of OBJ files; removed by `close` or when the process ends."""

    def __init__(self) -> None:
        self._folder = ScratchFolder()
        self._images: dict[str | Path, str] = {}
        self._meshes: dict[Hashable, Path] = {}

    def write(self, surface: Mesh, source: str | Path | None, *, key: Hashable) -> Path:
        """The OBJ file of ``surface`` with the texture ``source``; made once for each ``key``."""
        if key in self._meshes:
            return self._meshes[key]
        folder = self._folder.path
        stem = f"{len(self._meshes):06d}"
        self._meshes[key] = folder / f"{stem}.obj"
        lines = ["newmtl surface", "Kd 1 1 1"]
        if source is not None:
            lines.append(f"map_Kd {self._image(source)}")
        _write(folder / f"{stem}.mtl", ("\n".join(lines) + "\n").encode())
        with _room(self._meshes[key], surface.vertices.nbytes):
            mesh.save_obj(self._meshes[key], surface, material=f"{stem}.mtl:surface")
        return self._meshes[key]

    def close(self) -> None:
        """Remove the folder."""
        self._folder.close()

    def _image(self, source: str | Path) -> str:
        if source not in self._images:
            image = texture.make(source) if isinstance(source, str) else _read(source)
            name = f"image{len(self._images):04d}.png"
            data = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
            _write(self._folder.path / name, data)
            self._images[source] = name
        return self._images[source]


def _write(path: Path, data: bytes) -> None:
    with _room(path, len(data)):
        path.write_bytes(data)


@contextmanager
def _room(path: Path, size: int) -> Iterator[None]:
    """What the disk refuses inside the block becomes one line; ``size``: bytes, at least."""
    try:
        yield
    except OSError as error:
        said = f"cannot write {size} bytes: {error.strerror}"
        raise StorageError(f"{path}: {said}; the renderer needs room there") from None


def _read(path: Path) -> NDArray[np.uint8]:
    """RGB (H, W, 3); rows are whole words (width a multiple of 4), as OpenGL's upload expects."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{path}: not a readable image; give a PNG or JPEG file")
    height, width = image.shape[:2]
    if width % 4:
        image = cv2.resize(image, (width + 4 - width % 4, height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(image[..., ::-1])
