"""A body's surface, as far as its silhouette needs it: welded faces, and who is whose neighbour."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv import mesh
from simenv.mesh import Mesh

__all__ = ["NEAR_M", "Outline", "Outlines"]

NEAR_M = 1e-3  # surfaces are cut here, so that nothing behind the camera is projected


@dataclass(frozen=True, eq=False)
class Outline:
    """A body's surface, as far as silhouettes need it, with its edges listed face by face."""

    corners: NDArray[np.float64]  # (T, 3, 3) of each face, body frame
    planes: NDArray[np.float64]  # (T, 4) a face looks at p_B where planes @ (p_B, 1) > 0
    across: NDArray[np.int64]  # (3 T,) face beyond each edge; -1: none, or several
    middle: NDArray[np.float64]  # (3,) centre of a ball around the surface, body frame
    radius: float  # of that ball

    @property
    def closed(self) -> bool:
        """Whether there is a face beyond every edge."""
        return bool((self.across >= 0).all())

    @classmethod
    def of(cls, surface: Mesh) -> "Outline":
        """Weld a mesh and find the neighbours of its faces."""
        vertices, faces = mesh.weld(surface)
        faces = faces[(faces != np.roll(faces, 1, axis=1)).all(axis=1)]
        corners = vertices[faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        offsets = -np.einsum("ij,ij->i", normals, corners[:, 0])
        middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        radius = float(np.linalg.norm(vertices - middle, axis=1).max())
        return cls(corners, np.column_stack([normals, offsets]), _across(faces), middle, radius)


def _across(faces: NDArray[np.int32]) -> NDArray[np.int64]:
    """The face beyond each edge (3 T,): the only one that runs along it the other way, or -1."""
    start, end = faces.astype(np.int64), np.roll(faces, -1, axis=1).astype(np.int64)
    count = int(faces.max()) + 1
    edges, back = (start * count + end).ravel(), (end * count + start).ravel()
    order = np.argsort(edges)
    known = edges[order]
    found = np.minimum(np.searchsorted(known, back), len(known) - 1)
    alone = np.ones(len(known), dtype=bool)
    alone[1:] &= known[1:] != known[:-1]
    alone[:-1] &= known[:-1] != known[1:]
    own = np.empty_like(alone)
    own[order] = alone
    paired = own & (known[found] == back) & alone[found]
    return np.where(paired, order[found] // 3, -1)


@dataclass(frozen=True, eq=False)
class Outlines:
    """The outlines of N bodies end to end, so that one numpy call serves them all."""

    each: tuple[Outline, ...]
    middles: NDArray[np.float64]  # (N, 3)
    radii: NDArray[np.float64]  # (N,)
    closed: NDArray[np.bool_]  # (N,)
    body: NDArray[np.int64]  # (T,) of each face
    corners: NDArray[np.float64]  # (T, 3, 3)
    planes: NDArray[np.float64]  # (T, 4)
    across: NDArray[np.int64]  # (3 T,)

    @classmethod
    @lru_cache(maxsize=4)  # all frames of a scene have the same bodies
    def of(cls, outlines: tuple[Outline, ...]) -> "Outlines":
        """Put outlines end to end."""
        sizes = [len(outline.corners) for outline in outlines]
        starts = np.cumsum([0, *sizes])
        across = [
            np.where(outline.across < 0, -1, outline.across + first)
            for outline, first in zip(outlines, starts, strict=False)
        ]
        return cls(
            each=outlines,
            middles=np.array([outline.middle for outline in outlines]).reshape(-1, 3),
            radii=np.array([outline.radius for outline in outlines]),
            closed=np.array([outline.closed for outline in outlines], dtype=bool),
            body=np.repeat(np.arange(len(outlines)), sizes),
            corners=np.concatenate([*(o.corners for o in outlines), np.empty((0, 3, 3))]),
            planes=np.concatenate([*(o.planes for o in outlines), np.empty((0, 4))]),
            across=np.concatenate([*across, np.empty(0, dtype=np.int64)]),
        )

    def ahead(self, X_CB: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which bodies lie wholly before the camera, (N,)."""
        nearest = np.einsum("nj,nj->n", X_CB[:, 2, :3], self.middles) + X_CB[:, 2, 3] - self.radii
        ahead = np.asarray(nearest >= NEAR_M)
        for index in np.flatnonzero(~ahead):  # long furniture: its ball says little
            z = self.each[index].corners @ X_CB[index, 2, :3] + X_CB[index, 2, 3]
            ahead[index] = z.min() >= NEAR_M
        return ahead
