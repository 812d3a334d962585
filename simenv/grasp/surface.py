"""The surface of a part: points on it, and what rays meet. Rays are trimesh's (Embree if there)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.mesh import Mesh, weld

__all__ = ["Surface", "perpendicular", "unit"]

Floats = NDArray[np.float64]

OFF_M = 1e-6  # rays start this far off the surface that they start from


class Surface:
    """A triangle mesh that answers questions; everything in its own frame."""

    def __init__(self, mesh: Mesh) -> None:
        vertices, faces = weld(mesh)
        a, b, c = (vertices[faces[:, k]] for k in range(3))
        across = np.cross(b - a, c - a)
        double = np.linalg.norm(across, axis=1)
        real = double > 1e-14
        self.vertices, self.faces = vertices, faces[real]
        self.normals: Floats = across[real] / double[real, None]  # (T, 3) outwards
        self._share = np.cumsum(double[real]) / double[real].sum()

    @cached_property
    def _rays(self) -> Any:
        import trimesh  # slow to import

        return trimesh.Trimesh(self.vertices, self.faces, process=False).ray

    def sample(self, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """``count`` points (N, 3), even in area, and the normals there (N, 3)."""
        u = rng.random((count, 3))
        face = np.searchsorted(self._share, u[:, 0], side="right").clip(max=len(self.faces) - 1)
        a, b, c = (self.vertices[self.faces[face, k]] for k in range(3))
        r = np.sqrt(u[:, 1:2])  # Osada et al. 2002
        points = (1 - r) * a + r * (1 - u[:, 2:]) * b + r * u[:, 2:] * c
        return points, self.normals[face]

    def last(self, starts: Floats, directions: Floats) -> tuple[Floats, Floats]:
        """The farthest point of the surface on each ray.

        Args:
            starts: (N, 3).
            directions: (N, 3) unit.

        Returns:
            Distances (N,), NaN for rays that meet nothing, and normals there (N, 3).
        """
        return self._met(starts, directions, farthest=True)

    def first(self, starts: Floats, directions: Floats) -> tuple[Floats, Floats]:
        """The nearest point of the surface on each ray; as `last`."""
        return self._met(starts, directions, farthest=False)

    def _met(self, starts: Floats, directions: Floats, *, farthest: bool) -> tuple[Floats, Floats]:
        distance = np.full(len(starts), np.nan)
        normal = np.zeros((len(starts), 3))
        if not len(starts):
            return distance, normal
        face, ray, points = self._rays.intersects_id(
            starts + OFF_M * directions, directions, multiple_hits=True, return_locations=True
        )
        if not len(ray):
            return distance, normal
        far = np.einsum("ij,ij->i", points - starts[ray], directions[ray])
        order = np.lexsort((face, far if not farthest else -far, ray))
        rays, first = np.unique(ray[order], return_index=True)
        rows = order[first]
        distance[rays], normal[rays] = far[rows], self.normals[face[rows]]
        return distance, normal


def unit(vectors: Floats) -> Floats:
    """Vectors (N, 3) of length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def perpendicular(vectors: Floats) -> Floats:
    """A unit vector (N, 3) at right angles to each unit vector (N, 3)."""
    least = np.eye(3)[np.argmin(np.abs(vectors), axis=1)]
    return unit(np.cross(vectors, least))
