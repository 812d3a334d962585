"""How a gripper and a part stand for a picture: scenes made by hand, and the cameras before them.

The world of such a picture is the gripper's: its approach points down, so that in every picture the
gripper comes from above, and the part is turned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.dataset.grasps import GraspFile
from simenv.mesh import Mesh
from simenv.pose import Matrix
from simenv.scene import Body, Scene, Snapshot, View
from simenv.spec.look import Ambient, Light, Look
from simenv.spec.object import Friction, ObjectModel, ObjectSpec
from simenv.spec.robot import Jaw, RobotModel
from simenv.spec.task import Capture, Physics

__all__ = ["PART", "Grip", "frame_view", "model", "scene_of", "still", "surface"]

Floats = NDArray[np.float64]

PART = 1  # id of the part in the mask; links of the gripper follow
PART_COLOR = (0.93, 0.62, 0.22)
LINK_COLOR = (0.62, 0.66, 0.72)
PAD_COLOR = (0.36, 0.40, 0.47)
CREASE_COS = np.cos(np.radians(35.0))  # of the angle between faces whose edge is seen
LOOK = Look(
    light=Light(elevation_deg=52.0, azimuth_deg=-55.0, intensity=1.0, shadow=0.6),
    ambient=Ambient(intensity=1.0),
)
X_WG = pose.from_rpy_deg((180.0, 0.0, 0.0))  # the approach is down
TOWARD = pose.from_rpy_deg((-16.0, 0.0, -28.0))[:3, 1]  # where the camera looks: a little down
OUT_OF_SIGHT = pose.pose(p_AB=1e4 * np.array([-TOWARD[0], -TOWARD[1], 1.0]))
FINGER_M = 0.035  # of the gripper, upwards from G, that is always in the picture
PALM_SHARE = 0.5  # of the part's size, likewise
AWAY = 9.0  # a camera's distance, in radii of what it sees: nearly parallel, so sizes compare


@dataclass(frozen=True, eq=False)
class Grip:
    """The part of a file, and the gripper."""

    file: GraspFile
    hand: RobotModel

    @cached_property
    def part(self) -> Mesh:
        """The part's surface, body frame."""
        return surface(self.file.vertices, self.file.faces)

    @cached_property
    def scene(self) -> Scene:
        """The part, and every link that can be seen."""
        links = self.hand.links
        models = {"part": model("part", self.part)} | dict(links)
        gripper = self.hand.gripper
        pads = gripper.pads if isinstance(gripper, Jaw) else (self.hand.grasp.link,)
        colors = {name: PAD_COLOR if name in pads else LINK_COLOR for name in links}
        return scene_of(models, {"part": PART_COLOR} | colors)

    def holding(self, row: int) -> Snapshot:
        """The part between the pads."""
        X_GB = pose.inverse(self.file.grasps.X_BG[row])
        return still(self.scene, [X_WG @ X_GB, *self._links_W(row)])

    def empty(self, row: int) -> Snapshot:
        """The gripper as it holds the part, which is out of sight: behind every camera."""
        return still(self.scene, [OUT_OF_SIGHT, *self._links_W(row)])

    def view(self, row: int, *, width: int, height: int) -> View:
        """A camera that sees the part and the fingers; of the palm what fits."""
        part, *links = self.holding(row).X_WB
        seen = [pose.apply(part, self.part.vertices)]
        near = max(FINGER_M, PALM_SHARE * float(np.ptp(seen[0], axis=0).max()))
        for X_WL, link in zip(links, self.hand.links.values(), strict=True):
            p_W = pose.apply(X_WL, link.mesh.vertices)
            seen.append(p_W[p_W[:, 2] < near])
        return frame_view(np.concatenate(seen), TOWARD, width=width, height=height)

    def _links_W(self, row: int) -> list[Matrix]:
        X_GL = self.links(float(self.file.grasps.width_m[row]))
        return [X_WG @ X_GL[name] for name in self.hand.links]

    def links(self, between_m: float) -> dict[str, Matrix]:
        """X_GL (4, 4) of every link, the pads that far from each other."""
        share, gripper = 1.0, self.hand.gripper
        if isinstance(gripper, Jaw):
            share = float(np.clip(gripper.share(between_m), 0.0, 1.0))
        X_HL = self.hand.urdf.poses(self.hand.start(share))
        X_GH = pose.inverse(X_HL[self.hand.grasp.link] @ self.hand.grasp.X_AB)
        return {name: X_GH @ X for name, X in X_HL.items()}


def scene_of(
    models: Mapping[str, ObjectModel],
    colors: Mapping[str, tuple[float, float, float]],
    look: Look = LOOK,
) -> Scene:
    """One body for each model, ids from 1."""
    bodies = tuple(
        Body(
            id=row,
            name=name,
            group="parts",
            object=name,
            X_WB=np.eye(4),
            fixed=True,
            friction=Friction(),
            color=colors[name],
        )
        for row, name in enumerate(models, start=1)
    )
    return Scene(
        index=0,
        attempt=0,
        tier="core",
        gravity_m_s2=9.81,
        floor_z_m=None,
        floor_friction=Friction(),
        bodies=bodies,
        objects=models,
        belts=(),
        cameras=(),
        capture=Capture(),
        look=look,
        physics=Physics(),
    )


def still(scene: Scene, X_WB: Sequence[Matrix]) -> Snapshot:
    """The scene with its bodies there, at rest."""
    return Snapshot(scene, 0.0, 0, 0.0, np.stack(X_WB), np.zeros((len(X_WB), 6)))


def model(name: str, own: Mesh) -> ObjectModel:
    """A thing to be drawn that is in no catalog."""
    spec = ObjectSpec(
        name=name, class_="part", mesh="part", collision="part", mass_kg=0.0, color=(1.0, 1.0, 1.0)
    )
    return ObjectModel(spec, surface=own)


def surface(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> Mesh:
    """Triangles with normals that are smooth but for sharp edges; each has corners of its own."""
    places, corner = np.unique(vertices, axis=0, return_inverse=True)
    corners = places[corner.reshape(-1)[faces]].astype(np.float64)  # (T, 3, 3)
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(flat, axis=1)
    unit = flat / np.where(size > 0, size, 1.0)[:, None]
    mine, other = _around(corner.reshape(-1)[faces])
    level = (unit[mine // 3] * unit[other // 3]).sum(axis=1) > CREASE_COS
    normals = np.repeat(flat, 3, axis=0)
    normals[:] = 0.0
    np.add.at(normals, mine[level], flat[other[level] // 3])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(length > 0, normals / np.where(length > 0, length, 1.0), (0.0, 0.0, 1.0))
    count = 3 * len(faces)
    rows = np.arange(count, dtype=np.int32).reshape(-1, 3)
    return Mesh(corners.reshape(-1, 3), normals, np.zeros((count, 2)), rows)


def _around(place: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of corners (rows of the flattened faces) that share a place, itself included."""
    flat = place.reshape(-1)
    order = np.argsort(flat, kind="stable")
    first = np.searchsorted(flat[order], flat)
    count = np.bincount(flat)[flat]
    mine = np.repeat(np.arange(len(flat)), count)
    step = np.arange(len(mine)) - np.repeat(np.cumsum(count) - count, count)
    return mine, order[np.repeat(first, count) + step]


def frame_view(
    points_W: Floats,
    toward: Floats,
    *,
    width: int,
    height: int,
    margin: float = 0.06,
) -> View:
    """A camera that looks along ``toward`` (3,) at points (P, 3) and just holds all of them.

    ``margin`` is left free on each side, as a share of the picture.
    """
    middle = (points_W.min(axis=0) + points_W.max(axis=0)) / 2
    radius = float(np.linalg.norm(points_W - middle, axis=1).max())
    eye = middle - AWAY * radius * toward / np.linalg.norm(toward)
    X_WC = pose.look_at(eye, middle)
    p_C = pose.apply(pose.inverse(X_WC), points_W)
    xy = p_C[:, :2] / p_C[:, 2:]
    low, high = xy.min(axis=0), xy.max(axis=0)
    size = np.array([width, height]) * (1 - 2 * margin)
    focal = float((size / np.maximum(high - low, 1e-9)).min())
    cx, cy = np.array([width - 1, height - 1]) / 2 - focal * (low + high) / 2
    K = np.array([[focal, 0.0, cx], [0.0, focal, cy], [0.0, 0.0, 1.0]])
    return View("page", width, height, K, X_WC)
