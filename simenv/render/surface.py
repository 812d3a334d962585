"""What a renderer knows of a body's surface: which geometry it is, and what encloses it."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.mesh import Mesh
from simenv.pose import Vector

__all__ = ["Surface"]

FEW_TRIANGLES = 100  # up to this, a surface is its own hull; above, its bounding box is
OFFSET_M = 1e-3  # largest shift of a surface's origin, see Surface.offset


@dataclass(frozen=True, eq=False)
class Surface:
    """A geometry; bodies of equal digest share what the engine loads."""

    mesh: Mesh
    digest: str
    lower: Vector  # (3,) corner of the bounding box, body frame, metres
    upper: Vector  # (3,)
    hull: NDArray[np.float64]  # (T, 3, 3) triangles that enclose the surface, or are it

    @staticmethod
    def of(surface: Mesh) -> "Surface":
        """Measure ``surface``."""
        digest = hashlib.sha256(surface.faces.astype("<i4").tobytes())
        for values in (surface.vertices, surface.normals, surface.uvs):
            digest.update(values.astype("<f4").tobytes())
        lower, upper = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
        shell = surface
        if len(surface.faces) > FEW_TRIANGLES:
            size_x, size_y, size_z = (float(x) for x in upper - lower)
            shell = mesh.box((size_x, size_y, size_z)).moved(pose.pose(None, (lower + upper) / 2))
        return Surface(
            surface, digest.hexdigest(), lower, upper, np.asarray(shell.vertices[shell.faces])
        )

    @property
    def hollow(self) -> bool:
        """Whether the hull is a box around the surface, so that an eye may be inside it."""
        return len(self.mesh.faces) > FEW_TRIANGLES

    @property
    def offset(self) -> Vector:
        """Origin of the engine's mesh in the body frame, (3,) metres, another for each surface.

        The engine draws shapes in the order of their origins' depth. Two equal depths would be
        ordered by what was loaded before, and a pixel where two surfaces tie would show it.
        """
        words = np.frombuffer(bytes.fromhex(self.digest)[:12], dtype="<u4")
        return np.asarray(words / 2.0**32 * OFFSET_M)
