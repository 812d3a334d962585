"""Where two fingers can hold a part: pairs of points that press against each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv.grasp.candidate import Candidates
from simenv.grasp.surface import Surface, perpendicular, unit
from simenv.spec.robot import Jaw

__all__ = ["LEAST_SPARE_M", "antipodal"]

Floats = NDArray[np.float64]

SPARE_M = 0.009  # between each open finger and the part, where the gripper opens that far
LEAST_SPARE_M = 0.002  # and at least, or it is too wide
APPROACHES = 8  # directions of approach about the line between the contacts
LEAST_CONE = 1e-6  # radians, without friction: sides that are parallel as far as numbers go
EDGE_M = 0.003  # of the pads stays beyond a contact at the tips


def antipodal(
    surface: Surface, jaw: Jaw, *, friction: float, tip_m: float, count: int, seed: int
) -> Candidates:
    """Grasps whose line of contact lies in both friction cones (Nguyen 1988).

    A ray goes into the part from each of ``count`` points; the surface where it leaves for good is
    where the other finger presses. Each pair is approached from `APPROACHES` sides, with the
    contact between the middle of the pads (G) and their tips.

    Args:
        surface: of the part.
        jaw: the gripper.
        friction: between pads and part, Coulomb.
        tip_m: how far the pads reach beyond G.
        count: points on the surface.
        seed: of everything random.
    """
    rng = np.random.default_rng([seed, 1])
    points, normals = surface.sample(count, rng)
    cone = max(float(np.arctan(friction)), LEAST_CONE)
    inward = _within_cone(-normals, cone, rng)
    width, normal2 = surface.last(points, inward)
    outside, _ = surface.first(points, -inward)
    angle1 = _angle(inward, -normals)
    angle2 = _angle(inward, normal2)
    least, most = jaw.opening_m[0], jaw.opening_m[1] - 2 * LEAST_SPARE_M
    good = np.isnan(outside) & (width > max(least, 1e-3)) & (width < most) & (angle2 <= cone)
    points, normals, inward, width, normal2 = (
        column[good] for column in (points, normals, inward, width, normal2)
    )
    margin = 1.0 - np.maximum(angle1, angle2)[good] / cone
    return _swept(points, normals, inward, width, normal2, margin, jaw, tip_m, rng)


def _within_cone(axes: Floats, half_angle: float, rng: np.random.Generator) -> Floats:
    """Directions (N, 3), even in solid angle, in cones about unit axes (N, 3)."""
    u = rng.random((len(axes), 2))
    cosine = 1.0 - u[:, :1] * (1.0 - np.cos(half_angle))
    sine, turn = np.sqrt(1.0 - cosine**2), 2 * np.pi * u[:, 1:]
    one = perpendicular(axes)
    other = np.cross(axes, one)
    return unit(cosine * axes + sine * (np.cos(turn) * one + np.sin(turn) * other))


def _angle(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.arccos(np.clip(np.einsum("ij,ij->i", one, other), -1.0, 1.0)))


def _swept(
    points: Floats,
    normals: Floats,
    inward: Floats,
    width: Floats,
    normal2: Floats,
    margin: Floats,
    jaw: Jaw,
    tip_m: float,
    rng: np.random.Generator,
) -> Candidates:
    """Every pair from all sides: the closing axis x along the pair, z the approach."""
    n, sides = len(points), APPROACHES
    pair = np.repeat(np.arange(n), sides)
    turn = (np.tile(np.arange(sides), n) + rng.random(n)[pair]) * (2 * np.pi / sides)
    x = inward[pair]
    one = perpendicular(x)
    z = np.cos(turn)[:, None] * one + np.sin(turn)[:, None] * np.cross(x, one)
    other = points + width[:, None] * inward
    middle = (points + other)[pair] / 2
    shift = rng.random(len(pair)) * max(0.0, tip_m - EDGE_M)
    X = np.tile(np.eye(4), (len(pair), 1, 1))
    X[:, :3, 0], X[:, :3, 1], X[:, :3, 2] = x, np.cross(z, x), z
    X[:, :3, 3] = middle - shift[:, None] * z
    return Candidates(
        X_BG=X,
        width_m=width[pair],
        opening_m=np.minimum(width[pair] + 2 * SPARE_M, jaw.opening_m[1]),
        contacts_B=np.stack([points, other], axis=1)[pair],
        normals_B=np.stack([normals, normal2], axis=1)[pair],
        quality=margin[pair],
    )
