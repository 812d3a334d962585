"""How evenly the scenes fill the cube of all that the domain draws, against independent draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.audit.observe import Observed
from simenv.spec.task import TaskSpec

__all__ = ["Discrepancy", "coordinates", "discrepancy", "independent"]

MOST_POINTS = 8192  # the first so many scenes: the time grows with the square

Points = NDArray[np.float64]  # (N, d) in [0, 1]


@dataclass(frozen=True)
class Discrepancy:
    """Centred L2 discrepancy (Hickernell 1998), its root: 0 is even without end."""

    points: int
    dims: int
    value: float
    independent: float  # what as many independent points have, root of the mean square

    @property
    def ratio(self) -> float:
        """How many times more even than independent points; about 1 for those."""
        return self.independent / self.value if self.value else 1.0


def discrepancy(points: Points) -> Discrepancy | None:
    """Of the first MOST_POINTS of ``points``; None where there is no axis or no point."""
    points = points[:MOST_POINTS]
    if not points.size:
        return None
    from scipy.stats import qmc  # takes over a second to import

    count, dims = points.shape
    square = float(qmc.discrepancy(points, method="CD"))
    root = float(np.sqrt(max(square, 0.0)))
    return Discrepancy(count, dims, root, independent(count, dims))


def independent(count: int, dims: int) -> float:
    """Root of the mean squared centred discrepancy of independent uniform points.

    From Hickernell's formula with E|x - 1/2| = 1/4, E(x - 1/2)^2 = 1/12, E|x - y| = 1/3: all terms
    but those of a point with itself cancel, ((5/4)^d - (13/12)^d) / N.
    """
    return float(np.sqrt(((5 / 4) ** dims - (13 / 12) ** dims) / count))


def coordinates(observed: Observed) -> tuple[Points, tuple[str, ...]]:
    """The scenes' numbers mapped back to the unit cube (N, d), and the names of the d axes.

    All proposed scenes count, and of the axes those of the whole scene that draw numbers from a
    range: a choice or an integer has few values, so its points lie on steps, however drawn.
    """
    columns, names = [], []
    for own in observed.variables:
        limits = _limits(observed.task, own.name)
        if own.level == "scene" and own.planned and limits and own.values is not None:
            columns.append(_back(own.values, *limits))
            names.append(own.name)
    points = np.stack(columns, axis=1) if columns else np.zeros((len(observed.scenes["index"]), 0))
    return points[np.isfinite(points).all(axis=1)], tuple(names)


def _limits(task: TaskSpec, name: str) -> tuple[float, float, str] | None:
    """Low, high and scale of a numeric axis or of one component of a vector."""
    path, _, rest = name.partition("[")
    axis = task.domain.get(path)
    if axis is None:
        return _sphere(task, name)
    if axis.log_uniform is not None:
        return (*axis.log_uniform, "log")
    if axis.uniform is None:
        return None
    low, high = (np.atleast_1d(end) for end in axis.uniform)
    k = int(rest[:-1]) if rest else 0
    return float(low[k]), float(high[k]), "linear"


def _sphere(task: TaskSpec, name: str) -> tuple[float, float, str] | None:
    """A coordinate of a point on a sphere, which is drawn even in area: in the elevation's sine."""
    path, _, word = name.rpartition(".")
    axis = task.domain.get(path)
    if axis is None or axis.on_sphere is None:
        return None
    limits = {
        "radius_m": (*axis.on_sphere.radius_m, "linear"),
        "elevation_deg": (*axis.on_sphere.elevation_deg, "sine"),
        "azimuth_deg": (*axis.on_sphere.azimuth_deg, "linear"),
    }
    return limits.get(word)


def _back(values: Points, low: float, high: float, scale: str) -> Points:
    """Where in [0, 1] each value was drawn."""
    if scale == "log":
        values, low, high = np.log(values), float(np.log(low)), float(np.log(high))
    elif scale == "sine":
        values = np.sin(np.radians(values))
        low, high = (float(np.sin(np.radians(end))) for end in (low, high))
    if high <= low:
        return np.full(len(values), 0.5)
    return np.clip((values - low) / (high - low), 0.0, 1.0)
