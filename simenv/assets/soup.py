"""What a mesh file said: triangles that nobody has checked yet, and the way to other units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNITS", "Floats", "Rows", "Soup", "load", "save"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

UNITS = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "inch": 0.0254}  # metres in one


@dataclass(frozen=True, eq=False)
class Soup:
    """Triangles as a file has them."""

    vertices: Floats  # (V, 3)
    faces: Rows  # (T, 3) rows of vertices
    uvs: Floats | None = None  # (T, 3, 2) of each corner, v upwards; None: the file has none
    image: bytes = b""  # of the one texture, PNG or JPEG; empty: none

    @property
    def triangles(self) -> Floats:
        """The corners of each face, (T, 3, 3)."""
        return self.vertices[self.faces]

    @property
    def extents(self) -> Floats:
        """Size of the bounding box, (3,)."""
        return np.asarray(np.ptp(self.vertices, axis=0))

    @property
    def volume(self) -> float:
        """Signed; negative where faces look inwards. Taken about the centre, for rounding."""
        a, b, c = np.swapaxes(self.triangles - self.vertices.mean(axis=0), 0, 1)
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)

    @property
    def areas(self) -> Floats:
        """Of each face, (T,)."""
        a, b, c = np.swapaxes(self.triangles, 0, 1)
        return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2.0)

    def keep(self, which: NDArray[np.bool_] | Rows) -> Soup:
        """Some of the faces, by a mask (T,) or by rows in any order."""
        uvs = None if self.uvs is None else self.uvs[which]
        return replace(self, faces=self.faces[which], uvs=uvs)

    def trim(self) -> Soup:
        """Without vertices that no face has."""
        used, rows = np.unique(self.faces, return_inverse=True)
        return replace(self, vertices=self.vertices[used], faces=rows.reshape(-1, 3))

    def turn(self, which: NDArray[np.bool_]) -> Soup:
        """The faces of a mask (T,) looking the other way."""
        faces = np.where(which[:, None], self.faces[:, ::-1], self.faces)
        uvs = self.uvs
        if uvs is not None:
            uvs = np.where(which[:, None, None], uvs[:, ::-1], uvs)
        return replace(self, faces=faces, uvs=uvs)

    def add(self, faces: Rows) -> Soup:
        """With further faces (N, 3), whose corners lie at the origin of the texture."""
        uvs = self.uvs
        if uvs is not None:
            uvs = np.concatenate([uvs, np.zeros((len(faces), 3, 2))])
        return replace(self, faces=np.concatenate([self.faces, faces]), uvs=uvs)

    def relabel(self, vertices: Floats, rows: Rows) -> Soup:
        """With other ``vertices``; ``rows`` (V,) says where each of the old ones is now."""
        return replace(self, vertices=vertices, faces=rows[self.faces])


def save(path: Path, soup: Soup) -> None:
    """Write as a file of arrays."""
    uvs = np.zeros((0, 3, 2)) if soup.uvs is None else soup.uvs
    image = np.frombuffer(soup.image, dtype=np.uint8)
    np.savez(path, vertices=soup.vertices, faces=soup.faces, uvs=uvs, image=image)


def load(path: Path) -> Soup:
    """Read what `save` has written."""
    with np.load(path, allow_pickle=False) as file:
        uvs = file["uvs"] if len(file["uvs"]) else None
        return Soup(file["vertices"], file["faces"], uvs, file["image"].tobytes())
