"""Which value an axis has at u: every distribution is a map from the unit cube [0, 1)^d."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simenv.errors import InputError
from simenv.spec.domain import Distribution, OnSphere

__all__ = ["dims", "value_at"]


def dims(distribution: Distribution) -> int:
    """How many numbers in [0, 1) one draw of ``distribution`` takes."""
    if distribution.uniform is not None:
        low = distribution.uniform[0]
        return len(low) if isinstance(low, tuple) else 1
    return 3 if distribution.form in ("so3", "on_sphere") else 1


def value_at(distribution: Distribution, u: ArrayLike, *, options: Sequence[object] = ()) -> object:
    """The value of ``distribution`` at ``u`` (d,), made of plain Python numbers, strings, tuples.

    If u is uniform in the unit cube, the value has the distribution: numbers are uniform (or their
    logarithms), integers and choices exactly even (or by weight), rotations uniform over SO(3) as
    ``{"xyzw": (x, y, z, w)}``, points on a sphere even in area, with a radius that is uniform in
    metres. ``options`` is what ``choice: all`` chooses from.

    Raises:
        InputError: if there is nothing to choose from.
    """
    point = np.atleast_1d(np.asarray(u, dtype=np.float64))
    if distribution.uniform is not None:
        return _uniform(*distribution.uniform, point)
    if distribution.log_uniform is not None:
        return _log_uniform(*distribution.log_uniform, point[0])
    if distribution.integers is not None:
        low, high = distribution.integers
        return low + _index(point[0], high - low + 1)
    if distribution.so3 is not None:
        return {"xyzw": _quaternion(point)}
    if distribution.on_sphere is not None:
        return _on_sphere(distribution.on_sphere, point)
    if isinstance(distribution.choice, Mapping):
        return _weighted(distribution.choice, point[0])
    choices = distribution.choice if isinstance(distribution.choice, tuple) else options
    if not choices:
        raise InputError("choice: all has nothing to choose from here; list the choices")
    return choices[_index(point[0], len(choices))]


def _uniform(
    low: float | tuple[float, ...], high: float | tuple[float, ...], u: NDArray[np.float64]
) -> float | tuple[float, ...]:
    if isinstance(low, tuple) and isinstance(high, tuple):
        return tuple(_between(a, b, x) for a, b, x in zip(low, high, u, strict=True))
    assert not isinstance(low, tuple)
    assert not isinstance(high, tuple)
    return _between(low, high, u[0])


def _between(low: float, high: float, u: float) -> float:
    return float(low + (high - low) * u)


def _log_uniform(low: float, high: float, u: float) -> float:
    return min(high, float(low * (high / low) ** u))  # rounding could exceed high


def _index(u: float, count: int) -> int:
    return min(int(u * count), count - 1)


def _weighted(weights: Mapping[str, float], u: float) -> str:
    names = [name for name, weight in weights.items() if weight > 0]
    edges = np.cumsum([weights[name] for name in names])
    chosen = int(np.searchsorted(edges, u * edges[-1], side="right"))
    return names[min(chosen, len(names) - 1)]


def _quaternion(u: NDArray[np.float64]) -> tuple[float, ...]:
    """Uniform over SO(3): Shoemake, Uniform Random Rotations, Graphics Gems III (1992)."""
    inner, outer = np.sqrt(1 - u[0]), np.sqrt(u[0])
    a, b = 2 * np.pi * u[1], 2 * np.pi * u[2]
    xyzw = (inner * np.sin(a), inner * np.cos(a), outer * np.sin(b), outer * np.cos(b))
    return tuple(float(component) for component in xyzw)


def _on_sphere(around: OnSphere, u: NDArray[np.float64]) -> tuple[float, ...]:
    """Even in area: the sine of the elevation is uniform (Archimedes), and so is the azimuth."""
    radius = _between(*around.radius_m, u[0])
    low, high = np.sin(np.radians(around.elevation_deg))
    sine = _between(low, high, u[1])
    azimuth = np.radians(_between(*around.azimuth_deg, u[2]))
    ring = np.sqrt(max(0.0, 1 - sine * sine))
    direction = (ring * np.cos(azimuth), ring * np.sin(azimuth), sine)
    return tuple(float(c + radius * d) for c, d in zip(around.center, direction, strict=True))
