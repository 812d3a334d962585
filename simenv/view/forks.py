"""How the best grasps of the parts are drawn over a picture: a fork of a jaw, a circle of a cup.

Each is what `glyph` draws on the page of grasps, as lines: it stands where the gripper is when it
closes, and opens towards the part. Its colour says how often it succeeds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv.label.optics import image_points
from simenv.scene import View
from simenv.view.glyph import tint
from simenv.view.shot import Grasp, Shot
from simenv.view.svg import hex_color

__all__ = ["forks_svg", "lines"]

FINGER_SHARE, STEM_SHARE, LIP_SHARE = 0.22, 0.18, 0.06  # of the part's diameter
SHORTEST_PX = 9.0  # a finger is no shorter: far parts have forks larger than life
SIDES = 24  # of the circle of a lip


def forks_svg(shot: Shot) -> str:
    """The grasps of a shot over its picture, in the picture's own pixels; "" where it has none."""
    if shot.grasps is None:
        return ""
    height, width = shot.instance.shape
    drawn = "".join(
        f'<g data-id="{own.id}">{_paths(lines(own, shot), hex_color(tint(own.probability)))}</g>'
        for own in reversed(shot.grasps)  # the best on top
    )
    return (
        f'<svg class="overlay grasps" viewBox="-0.5 -0.5 {width} {height}" aria-hidden="true">'
        f"{drawn}</svg>"
    )


def lines(grasp: Grasp, shot: Shot) -> tuple[NDArray[np.float64], ...]:
    """Polylines (P, 2) in pixels; none of a grasp that is not wholly before the camera."""
    height, width = shot.instance.shape
    view = View(shot.camera, width, height, shot.K, np.eye(4), distortion=shot.distortion)
    nearest = SHORTEST_PX * float(grasp.X_CG[2, 3]) / float(shot.K[0, 0])
    scale = max(1.0, nearest / (FINGER_SHARE * grasp.diameter_m))
    drawn = [
        image_points(line @ grasp.X_CG[:3, :3].T + grasp.X_CG[:3, 3], view)
        for line in _shape(grasp.width_m, grasp.cup, scale * grasp.diameter_m)
    ]
    return tuple(drawn) if all(np.isfinite(line).all() for line in drawn) else ()


def _shape(width_m: float, cup: bool, size_m: float) -> tuple[NDArray[np.float64], ...]:
    """Polylines (P, 3) in G: x closes, z is the approach."""
    finger, stem = FINGER_SHARE * size_m, STEM_SHARE * size_m
    if cup:
        angle = np.linspace(0.0, 2 * np.pi, SIDES + 1)
        lip = LIP_SHARE * size_m * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
        return lip, np.array([(0, 0, 0), (0, 0, -finger)], dtype=np.float64)
    half = width_m / 2
    fork = [(-half, 0, 0), (-half, 0, -finger), (half, 0, -finger), (half, 0, 0)]
    back = [(0, 0, -finger), (0, 0, -finger - stem)]
    return np.array(fork, dtype=np.float64), np.array(back, dtype=np.float64)


def _paths(drawn: tuple[NDArray[np.float64], ...], color: str) -> str:
    """A dark line under a coloured one: a fork is seen on any picture."""
    way = "".join("M" + "L".join(f"{u:.2f} {v:.2f}" for u, v in line.tolist()) for line in drawn)
    if not way:
        return ""
    return f'<path class="halo" d="{way}"/><path class="grasp" d="{way}" stroke="{color}"/>'
