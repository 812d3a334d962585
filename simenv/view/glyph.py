"""How many grasps are drawn at once: each as a small fork (of a jaw) or peg (of a cup), in colour.

The colour says how often a grasp held: vermilion never, amber half of the time, blue always. The
three differ for every kind of colour vision, and stand out from white and from black.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.mesh import Mesh
from simenv.pose import Matrix
from simenv.scene import Snapshot, View
from simenv.spec.look import Ambient, Light, Look
from simenv.view.color import Color
from simenv.view.grip import Grip, frame_view, model, scene_of, still

__all__ = ["STEPS", "shown", "swarm", "swarm_view", "tint"]

Floats = NDArray[np.float64]

ENDS = np.array([(203, 62, 38), (226, 160, 32), (38, 128, 216)], dtype=np.float64)  # at 0, 1/2, 1
UNKNOWN: Color = (138, 146, 158)  # was not tried
STEPS = 21  # shades that are told apart: 0, 0.05, ... 1
MOST = 72  # grasps of one picture
PART_COLOR = (0.80, 0.81, 0.83)
FINGER_SHARE, STEM_SHARE, THICK_SHARE = 0.15, 0.11, 0.006  # of the part's diagonal
SIDES = 8  # of a rod
TOWARD = np.array([-0.62, 0.68, -0.42])  # where the camera looks
LOOK = Look(  # flat, so that the colours are those of the legend
    light=Light(elevation_deg=60.0, azimuth_deg=-70.0, intensity=0.55),
    ambient=Ambient(intensity=1.45),
)


def tint(probability: float) -> Color:
    """Of a probability 0..1; NaN: grey."""
    if np.isnan(probability):
        return UNKNOWN
    red, green, blue = (
        round(float(np.interp(probability, (0.0, 0.5, 1.0), end))) for end in ENDS.T
    )
    return red, green, blue


def shown(probability: Floats) -> NDArray[np.intp]:
    """Rows (at most MOST) that stand for all (N,): evenly over the order of their probability."""
    order = np.argsort(probability, kind="stable")
    if len(order) <= MOST:
        return order
    return order[np.linspace(0, len(order) - 1, MOST).round().astype(np.intp)]


def swarm(grip: Grip) -> tuple[Snapshot, Snapshot]:
    """The part with its grasps around it: as it stands in its own frame, and turned over."""
    models, colors = {"part": model("part", grip.part)}, {"part": PART_COLOR}
    for step, fork in _by_step(grip):
        name = f"step_{step}" if step >= 0 else "not_tried"
        models[name] = model(name, fork)
        red, green, blue = tint(step / (STEPS - 1) if step >= 0 else np.nan)
        colors[name] = (red / 255, green / 255, blue / 255)
    scene = scene_of(models, colors, LOOK)
    over = pose.from_rpy_deg((180.0, 0.0, 0.0))
    return still(scene, [np.eye(4)] * len(models)), still(scene, [over] * len(models))


def swarm_view(snapshot: Snapshot, *, width: int, height: int) -> View:
    """A camera that looks down at all of it."""
    points = np.concatenate([own.mesh.vertices for own in snapshot.scene.objects.values()])
    points_W = pose.apply(snapshot.X_WB[0], points)
    return frame_view(points_W, TOWARD, width=width, height=height, margin=0.03)


def _by_step(grip: Grip) -> Iterator[tuple[int, Mesh]]:
    """The forks of each shade as one mesh; -1: those that were not tried."""
    grasps = grip.file.grasps
    probability = grasps.success_probability
    rows = shown(probability)
    steps = np.where(np.isnan(probability), -1, np.rint(np.nan_to_num(probability) * (STEPS - 1)))
    size = float(np.linalg.norm(grip.part.extents))
    for step in np.unique(steps[rows]):
        own = [
            _glyph(float(grasps.width_m[row]), grasps.kind, size).moved(grasps.X_BG[row])
            for row in rows[steps[rows] == step]
        ]
        yield int(step), mesh.join(*own)


def _glyph(width_m: float, kind: str, size_m: float) -> Mesh:
    """In the frame G, for a part of that size."""
    finger, stem = FINGER_SHARE * size_m, STEM_SHARE * size_m
    thick = THICK_SHARE * size_m
    half = width_m / 2 + thick
    if kind != "jaw":
        lip = mesh.cylinder(5 * thick, 1.5 * thick, 20).moved(pose.pose(p_AB=(0, 0, -thick)))
        return mesh.join(lip, _rod((0, 0, 0), (0, 0, -finger - stem), thick))
    corners = [(-half, 0, 0), (-half, 0, -finger), (half, 0, -finger), (half, 0, 0)]
    rods = [_rod(a, b, thick) for a, b in pairwise(corners)]
    return mesh.join(*rods, _rod((0, 0, -finger), (0, 0, -finger - stem), thick))


def _rod(
    start: tuple[float, float, float], end: tuple[float, float, float], radius_m: float
) -> Mesh:
    """A rod between two points, a radius longer at either end so that corners close."""
    a, b = np.array(start, dtype=np.float64), np.array(end, dtype=np.float64)
    length = float(np.linalg.norm(b - a))
    rod = mesh.cylinder(radius_m, length + 2 * radius_m, SIDES)
    return rod.moved(_along((b - a) / length, (a + b) / 2))


def _along(z: Floats, middle: Floats) -> Matrix:
    other = np.eye(3)[int(np.argmin(np.abs(z)))]
    x = np.cross(other, z)
    x /= np.linalg.norm(x)
    return pose.pose(np.column_stack([x, np.cross(z, x), z]), middle)
