"""Which rotations leave a surface as it is: a proposal, each one tried on the surface itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from simenv import mesh
from simenv.assets.dress import dress
from simenv.assets.quality import diameter
from simenv.assets.soup import Floats, Rows, Soup

__all__ = ["Symmetries", "propose"]

NEAR = 0.005  # of the diameter: how far a rotated point may be from the surface
QUICK = 60  # points that most wrong rotations fail on
POINTS = 1200  # of the surface that are rotated
TARGETS = 30_000  # of the surface that are near them, more where there are slivers
MAX_TARGETS = 200_000
CANDIDATES = 12  # triangles that may be the nearest one to a point
MAX_FOLD = 36
MAX_ROTATIONS = 120  # of a group; the icosahedron has 60
STRANGE_DEG = (17.3, 41.9, 73.1, 101.7, 158.3, 211.9)  # in no finite group that is looked for
SIDES = 6  # largest flat sides whose normals may be axes
SNAP = 1e-3  # radians from an axis of the file: taken as that axis
STEP_DEG = 0.5  # between the half turns tried round an axis

Matrix = Floats  # (3, 3)


@dataclass(frozen=True, eq=False)
class Symmetries:
    """Rotations about ``center`` that were found true."""

    center: Floats  # (3,) metres, body frame
    continuous: tuple[Floats, ...] = ()  # unit axes (3,)
    discrete: tuple[Matrix, ...] = ()  # without the identity

    def description(self) -> dict[str, list[dict[str, list[float]]]]:
        """As object.yaml has it; empty lists are left out."""
        axes = [
            {"axis": _plain(axis, 6), **self._offset(np.zeros((3, 3)))} for axis in self.continuous
        ]
        turns = [{"rpy_deg": _rpy(R), **self._offset(R)} for R in self.discrete]
        return {k: v for k, v in (("continuous", axes), ("discrete", turns)) if v}

    def _offset(self, R: Matrix) -> dict[str, list[float]]:
        """What ``R`` about the origin lacks of ``R`` about the centre; left out where none."""
        offset = _plain(self.center - R @ self.center, 7)
        return {"offset_m": offset} if np.abs(offset).max() > 1e-6 else {}

    @property
    def text(self) -> str:
        """In a few words."""
        words = [f"any turn about {_plain(axis, 3)}" for axis in self.continuous]
        if self.discrete:
            words.append(f"{len(self.discrete)} rotation{'s' * (len(self.discrete) > 1)}")
        return " and ".join(words) or "none"


def _plain(values: Floats, digits: int) -> list[float]:
    return [round(float(x), digits) + 0.0 for x in values]


def _rpy(R: Matrix) -> list[float]:
    """Roll, pitch, yaw in degrees, as URDF has them."""
    if abs(R[2, 0]) > 1 - 1e-9:  # gimbal lock: all of it in the yaw
        pitch = -90.0 * np.sign(R[2, 0])
        return _plain(np.array([0.0, pitch, np.degrees(np.arctan2(-R[0, 1], R[1, 1]))]), 6)
    return _plain(Rotation.from_matrix(R).as_euler("xyz", degrees=True), 6)


def propose(surface: Soup) -> Symmetries:
    """The rotations that move no point of the surface away from it, within `NEAR`."""
    _, center, inertia = mesh.mass_properties(dress(surface))
    trial = _Trial(surface, center)
    _, principal = np.linalg.eigh(inertia)
    axes = _axes(surface, principal.T)
    continuous = [axis for axis in axes if trial.is_round(axis)]
    if len(continuous) > 1:  # round about two axes: a sphere
        return Symmetries(center, tuple(continuous[:2]))
    if continuous:
        flip = _turn(_across(continuous[0]), 180.0)
        return Symmetries(center, tuple(continuous), (flip,) if trial.holds(flip) else ())
    generators = [R for axis in axes for R in _fold(trial, axis)]
    group = _close(trial, generators)
    for R in list(generators):
        axis = Rotation.from_matrix(R).as_rotvec()
        if not any(axis @ other @ axis < -0.99 * (axis @ axis) for other in group):
            generators += _half_turns(trial, R)
    return Symmetries(center, (), _close(trial, generators))


class _Trial:
    """A surface to try rotations on."""

    def __init__(self, surface: Soup, center: Floats) -> None:
        rng = np.random.default_rng(0)
        self.triangles = surface.triangles - center
        self.middle = self.triangles.mean(axis=1)
        self.radius = np.linalg.norm(self.triangles - self.middle[:, None], axis=2).max(axis=1)
        self.near = NEAR * diameter(surface.vertices)
        self.face, points = _cover(self.triangles, surface.areas)
        self.tree = cKDTree(points)
        own = points[rng.choice(len(points), POINTS // 2, p=_weights(surface.areas, self.face))]
        corners = self.triangles.reshape(-1, 3)
        far = corners[rng.choice(len(corners), min(POINTS // 2, len(corners)), replace=False)]
        self.points = rng.permutation(np.concatenate([own, far]))

    def holds(self, R: Matrix, slack: float = 1.0) -> bool:
        """Whether ``R`` about the centre leaves the surface as it is."""
        quick, slow = self.points[:QUICK] @ R.T, self.points[QUICK:] @ R.T
        return self._near(quick, self.near * slack) and self._near(slow, self.near * slack)

    def is_round(self, axis: Floats) -> bool:
        return all(self.holds(_turn(axis, angle)) for angle in STRANGE_DEG)

    def _near(self, points: Floats, near: float) -> bool:
        rough, rows = map(np.asarray, self.tree.query(points, k=CANDIDATES))
        doubtful = rough[:, 0] > near
        if not doubtful.any():
            return True
        points, faces = points[doubtful], self.face[rows[doubtful]]  # (N, 3), (N, K)
        gap = _distance(points[:, None], self.triangles[faces]).min(axis=1)
        # Where many slivers meet, the nearest one may be none of the candidates.
        return all(self._exact(point, near) for point in points[gap > near])

    def _exact(self, point: Floats, near: float) -> bool:
        """Whether any triangle at all is near the point."""
        reach = np.linalg.norm(self.middle - point, axis=1) - self.radius
        close = self.triangles[reach <= near]
        return len(close) > 0 and bool((_distance(point[None, None], close[None]) <= near).any())


def _distance(points: Floats, triangles: Floats) -> Floats:
    """From points (N, 1, 3) to each of their triangles (N, K, 3, 3); (N, K) metres."""
    ends = np.roll(triangles, -1, axis=2)
    along, ahead = ends - triangles, points[:, :, None] - triangles
    square = np.einsum("nkej,nkej->nke", along, along)
    part = np.einsum("nkej,nkej->nke", ahead, along) / np.where(square > 0, square, 1.0)
    foot = ahead - np.clip(part, 0.0, 1.0)[..., None] * along
    rim = np.linalg.norm(foot, axis=3).min(axis=2)
    normal = np.cross(along[:, :, 0], along[:, :, 1])
    size = np.linalg.norm(normal, axis=2)
    side = np.einsum("nkej,nkj->nke", np.cross(along, ahead), normal)
    height = np.abs(np.einsum("nkj,nkj->nk", ahead[:, :, 0], normal)) / np.where(
        size > 0, size, 1.0
    )
    return np.asarray(np.where((side >= 0).all(axis=2) & (size > 0), height, rim))


def _cover(triangles: Floats, areas: Floats) -> tuple[Rows, Floats]:
    """Faces (N,) and points (N, 3), without gaps: each face has a point.

    Large and long ones have more. Within a face they follow the R2 sequence (Roberts, 2018).
    """
    cell = areas.sum() / TARGETS
    longest = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2).max(axis=1)
    wanted = np.maximum(areas / cell, longest / np.sqrt(cell))
    counts = np.clip(np.ceil(wanted * min(1.0, MAX_TARGETS / wanted.sum())), 1, None)
    face = np.repeat(np.arange(len(areas)), counts.astype(np.int64))
    first = np.searchsorted(face, np.arange(len(areas)))
    k = np.arange(len(face)) - first[face]
    u, v = (0.5 + k[None] * np.array([[0.7548776662466927], [0.5698402909980532]])) % 1.0
    root = np.sqrt(u)[:, None]
    a, b, c = np.swapaxes(triangles[face], 0, 1)
    return face, (1 - root) * a + root * (1 - v[:, None]) * b + root * v[:, None] * c


def _weights(areas: Floats, face: Rows) -> Floats:
    """Chances (N,) that make the points of `_cover` even over the surface."""
    share = (areas / np.bincount(face))[face]
    return np.asarray(share / share.sum())


def _turn(axis: Floats, angle_deg: float) -> Matrix:
    return np.asarray(Rotation.from_rotvec(axis * np.radians(angle_deg)).as_matrix())


def _across(axis: Floats) -> Floats:
    """A unit vector at right angles, along an axis of the file where that is possible."""
    side = np.eye(3)[np.abs(axis).argmin()]
    across = side - axis * (axis @ side)
    return np.asarray(across / np.linalg.norm(across))


def _axes(surface: Soup, principal: Floats) -> list[Floats]:
    """Directions that a symmetry may turn about: of the file, of large flat sides, of inertia."""
    a, b, c = np.swapaxes(surface.triangles, 0, 1)
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1)
    unit = normals[length > 0] / length[length > 0, None]
    _, rows = np.unique(np.round(unit, 3), axis=0, return_inverse=True)
    flats = np.column_stack([np.bincount(rows.reshape(-1), axis) for axis in normals[length > 0].T])
    size = np.linalg.norm(flats, axis=1)
    largest = flats[np.argsort(-size, kind="stable")[: 2 * SIDES]]
    found: list[Floats] = []
    for axis in [*np.eye(3)[::-1], *largest, *principal]:
        unit_axis = axis / np.linalg.norm(axis)
        if all(abs(unit_axis @ other) < np.cos(SNAP) for other in found):
            found.append(unit_axis * np.sign(unit_axis[np.abs(unit_axis).argmax()]))
    return found


def _fold(trial: _Trial, axis: Floats) -> Iterator[Matrix]:
    """The smallest rotation about ``axis`` that holds, if one does."""
    for fold in range(MAX_FOLD, 1, -1):
        turns = [_turn(axis, 360.0 * k / fold) for k in range(1, fold // 2 + 1)]
        if all(map(trial.holds, turns)):
            yield turns[0]
            return


def _half_turns(trial: _Trial, R: Matrix) -> list[Matrix]:
    """A half turn at right angles to the axis of ``R``: by it a prism is turned over.

    Only where three or more rotations make all directions across the axis alike for inertia.
    """
    vector = Rotation.from_matrix(R).as_rotvec()
    angle = float(np.linalg.norm(vector))
    if np.pi - angle < 1e-6:
        return []
    axis = vector / angle
    side = _across(axis)

    def half(turn_deg: float) -> Matrix:
        return _turn(_turn(axis, turn_deg) @ side, 180.0)

    for first in np.arange(0.0, np.degrees(angle) / 2, STEP_DEG):
        if trial.holds(half(first)):
            if first == 0.0:
                return [half(0.0)]
            # What is near enough begins before the true one and ends as far behind it.
            fine = np.arange(first - STEP_DEG, first + 4 * STEP_DEG, STEP_DEG / 10)
            good = [turn for turn in fine if trial.holds(half(turn))]
            return [half(float(np.mean(good)))]
    return []


def _close(trial: _Trial, generators: list[Matrix]) -> tuple[Matrix, ...]:
    """All products of the generators that hold, the smallest turns first."""
    group: list[Matrix] = [np.eye(3)]
    waiting = list(generators)
    while waiting and len(group) < MAX_ROTATIONS:
        R = waiting.pop(0)
        if any(np.trace(R.T @ other) > 3 - 1e-3 for other in group) or not trial.holds(R, 2.0):
            continue
        group.append(R)
        waiting += [R @ g for g in generators]
    return tuple(sorted(group[1:], key=_turned))


def _turned(R: Matrix) -> tuple[float, ...]:
    """What rotations are sorted by: the angle, then the axis."""
    vector = np.round(Rotation.from_matrix(R).as_rotvec(), 4) + 0.0
    return (round(float(np.linalg.norm(vector)), 3), *map(float, vector))
