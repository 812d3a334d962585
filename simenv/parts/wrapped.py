"""How a print lies on a turned body: u once around, v along the profile."""

from collections.abc import Mapping, Sequence

import numpy as np

from simenv import mesh
from simenv.mesh import Mesh
from simenv.parts.build import surface

__all__ = ["wrapped"]


def wrapped(
    profile: Sequence[tuple[float, float]], bands: Mapping[str, tuple[int, int]], *, segments: int
) -> tuple[Mesh, dict[str, tuple[float, float]]]:
    """A body of revolution with the UVs of its print, and v (from, to) of each band.

    ``bands`` gives the first and the last row of the profile that each covers.
    """
    points = np.array(profile, dtype=np.float64)
    run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    spun = mesh.revolve(points, segments)
    skin = surface(spun.vertices[spun.faces], uvs=spun.uvs[spun.faces])
    v = run / run[-1]
    return skin, {name: (float(v[a]), float(v[b])) for name, (a, b) in bands.items()}
