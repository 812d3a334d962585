"""Which pixels a body covers: those of its mask, and those it would cover if it stood alone.

A silhouette is exact and comes from geometry; nothing is rendered for it.

A pixel is covered when its centre lies inside the projected surface. The edges shared by two faces
that look at the camera cancel, so only the contour is cut into rows (the winding-number rule); the
cost depends on the outline and not on the size of the image. Hidden and off-image parts count: the
canvas is the image with one image of margin on every side (three times as wide and high, as in the
BOP toolkit).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.mesh import Mesh
from simenv.scene import View

__all__ = ["Outline", "Spans", "mask_spans", "silhouettes"]

NEAR_M = 1e-3  # triangles are cut here, so that nothing behind the camera is projected


@dataclass(frozen=True, eq=False)
class Outline:
    """A body's surface, as far as silhouettes need it, with its edges listed face by face."""

    corners: NDArray[np.float64]  # (T, 3, 3) of each face, body frame
    planes: NDArray[np.float64]  # (T, 4) a face looks at p_B where planes @ (p_B, 1) > 0
    across: NDArray[np.int64]  # (3 T,) face beyond each edge; -1 throughout: the surface is open
    middle: NDArray[np.float64]  # (3,) centre of a ball around the surface, body frame
    radius: float  # of that ball

    @classmethod
    def of(cls, surface: Mesh) -> "Outline":
        """Weld a mesh and find the neighbours of its faces."""
        vertices, faces = mesh.weld(surface)
        faces = faces[(faces != np.roll(faces, 1, axis=1)).all(axis=1)]
        corners = vertices[faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        offsets = -np.einsum("ij,ij->i", normals, corners[:, 0])
        middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        radius = float(np.linalg.norm(vertices - middle, axis=1).max())
        return cls(corners, np.column_stack([normals, offsets]), _across(faces), middle, radius)


def _across(faces: NDArray[np.int32]) -> NDArray[np.int64]:
    """The face beyond each edge (3 T,) of a closed surface; -1 if there is an edge without one."""
    start, end = faces.astype(np.int64), np.roll(faces, -1, axis=1).astype(np.int64)
    count = int(faces.max()) + 1
    edges, back = (start * count + end).ravel(), (end * count + start).ravel()
    order = np.argsort(edges)
    known = edges[order]
    found = np.minimum(np.searchsorted(known, back), len(known) - 1)
    closed = bool((np.diff(known) > 0).all()) and np.array_equal(known[found], back)
    return np.asarray(order[found] // 3) if closed else np.full(len(edges), -1)


@dataclass(frozen=True, eq=False)
class Outlines:
    """The outlines of N bodies end to end, so that one numpy call serves them all."""

    each: tuple[Outline, ...]
    middles: NDArray[np.float64]  # (N, 3)
    radii: NDArray[np.float64]  # (N,)
    closed: NDArray[np.bool_]  # (N,)
    body: NDArray[np.int64]  # (T,) of each face
    corners: NDArray[np.float64]  # (T, 3, 3)
    planes: NDArray[np.float64]  # (T, 4)
    across: NDArray[np.int64]  # (3 T,)

    @classmethod
    @lru_cache(maxsize=4)  # all frames of a scene have the same bodies
    def of(cls, outlines: tuple[Outline, ...]) -> "Outlines":
        """Put outlines end to end."""
        sizes = [len(outline.corners) for outline in outlines]
        starts = np.cumsum([0, *sizes])
        across = [outline.across + first for outline, first in zip(outlines, starts, strict=False)]
        return cls(
            each=outlines,
            middles=np.array([outline.middle for outline in outlines]).reshape(-1, 3),
            radii=np.array([outline.radius for outline in outlines]),
            closed=np.array([outline.across[0] >= 0 for outline in outlines], dtype=bool),
            body=np.repeat(np.arange(len(outlines)), sizes),
            corners=np.concatenate([*(o.corners for o in outlines), np.empty((0, 3, 3))]),
            planes=np.concatenate([*(o.planes for o in outlines), np.empty((0, 4))]),
            across=np.concatenate([*across, np.empty(0, dtype=np.int64)]),
        )

    def ahead(self, X_CB: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which bodies lie wholly before the camera, (N,)."""
        nearest = np.einsum("nj,nj->n", X_CB[:, 2, :3], self.middles) + X_CB[:, 2, 3] - self.radii
        ahead = np.asarray(nearest >= NEAR_M)
        for index in np.flatnonzero(~ahead):  # long furniture: its ball says little
            z = self.each[index].corners @ X_CB[index, 2, :3] + X_CB[index, 2, 3]
            ahead[index] = z.min() >= NEAR_M
        return ahead


@dataclass(frozen=True, eq=False)
class Spans:
    """The pixels of N bodies as disjoint row intervals, sorted by body, row and column."""

    count: int  # N
    body: NDArray[np.int64]  # (I,) 0..N-1
    row: NDArray[np.int64]  # (I,) image row; may be outside the image
    left: NDArray[np.int64]  # (I,) first column
    right: NDArray[np.int64]  # (I,) last column, included

    @property
    def px(self) -> NDArray[np.int32]:
        """Covered pixels of each body, (N,)."""
        lengths = self.right - self.left + 1
        return np.bincount(self.body, weights=lengths, minlength=self.count).astype(np.int32)

    @property
    def boxes(self) -> NDArray[np.int32]:
        """Bounding boxes (N, 4) x, y, width, height; -1 where nothing is covered."""
        boxes = np.full((self.count, 4), -1, dtype=np.int64)
        first = np.searchsorted(self.body, np.arange(self.count))
        used = np.unique(self.body)
        if len(used):
            starts = first[used]
            x = np.minimum.reduceat(self.left, starts)
            y = np.minimum.reduceat(self.row, starts)
            right = np.maximum.reduceat(self.right, starts)
            bottom = np.maximum.reduceat(self.row, starts)
            boxes[used] = np.column_stack([x, y, right - x + 1, bottom - y + 1])
        return boxes.astype(np.int32)

    def mask(self, index: int, width: int, height: int) -> NDArray[np.bool_]:
        """The pixels of one body that lie inside the image, (height, width)."""
        steps = np.zeros((height, width + 1), dtype=np.int32)
        inside = (self.body == index) & (self.row >= 0) & (self.row < height)
        left = np.clip(self.left[inside], 0, width)
        right = np.clip(self.right[inside] + 1, 0, width)
        np.add.at(steps, (self.row[inside], left), 1)
        np.add.at(steps, (self.row[inside], right), -1)
        return np.asarray(np.cumsum(steps[:, :-1], axis=1) > 0)


def mask_spans(mask: NDArray[np.uint16], ids: NDArray[np.int64]) -> Spans:
    """The pixels of ``mask`` (H, W) that carry each of ``ids`` (N,), 1 or larger."""
    height, width = mask.shape
    changes = np.ones((height, width), dtype=bool)  # where a run of equal pixels begins
    np.not_equal(mask[:, 1:], mask[:, :-1], out=changes[:, 1:])
    start = np.flatnonzero(changes)
    end = np.append(start[1:], mask.size) - 1
    body_of_id = np.full(int(max(ids.max(initial=0), mask.max())) + 1, -1)
    body_of_id[ids] = np.arange(len(ids))
    body = body_of_id[mask.reshape(-1)[start]]
    order = np.argsort(body, kind="stable")
    order = order[np.searchsorted(body[order], 0) :]  # what carries no id is left out
    row = start // width
    left, right = start - row * width, end - row * width
    return Spans(len(ids), body[order], row[order], left[order], right[order])


def silhouettes(outlines: Sequence[Outline], X_CB: NDArray[np.float64], view: View) -> Spans:
    """The silhouettes of N bodies at X_CB (N, 4, 4), each as if it were alone in ``view``."""
    bodies = Outlines.of(tuple(outlines))
    simple = bodies.closed & bodies.ahead(X_CB)
    contours, body = _contours(bodies, X_CB, simple)
    pieces, owners = [_project(contours, view)], [body]
    for index in np.flatnonzero(~simple):
        edges = _all_edges(bodies.each[index], X_CB[index], view)
        pieces.append(edges)
        owners.append(np.full(len(edges), index))
    owner = np.concatenate(owners)
    return _intervals(*_crossings(np.concatenate(pieces), owner, view), view, count=len(outlines))


def _contours(
    bodies: Outlines, X_CB: NDArray[np.float64], simple: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Edges (E, 2, 3) in the camera's frame between a face seen from the front and one that is not.

    They run so that they wind once around every covered point, or more. Only ``simple`` bodies.
    """
    R_CB, p_CB = X_CB[:, :3, :3], X_CB[:, :3, 3]
    eyes_B = np.ones((len(X_CB), 4))  # the camera in each body's frame
    eyes_B[:, :3] = -np.einsum("nji,nj->ni", R_CB, p_CB)
    eyes_B[~simple] = 0.0  # sees no face from the front
    front = np.einsum("tj,tj->t", bodies.planes, eyes_B[bodies.body]) > 0
    edge = np.flatnonzero(np.repeat(front, 3) & ~front[bodies.across])
    face, first = np.divmod(edge, 3)
    body = bodies.body[face]
    ends = np.stack([bodies.corners[face, first], bodies.corners[face, (first + 1) % 3]], axis=1)
    return np.einsum("eij,ekj->eki", R_CB[body], ends) + p_CB[body][:, None], body


def _project(points: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    """Pixels (..., 2) of points (..., 3) in the camera's frame."""
    return np.asarray((points / points[..., 2:]) @ view.K[:2].T)


def _all_edges(outline: Outline, X_CB: pose.Matrix, view: View) -> NDArray[np.float64]:
    """Every edge (E, 2, 2) in pixels, cut at the camera; faces seen from behind turned around."""
    corners = outline.corners @ X_CB[:3, :3].T + X_CB[:3, 3]
    if outline.across[0] >= 0:  # closed: what covers a pixel covers it with a front as well
        front = outline.planes @ np.append(-X_CB[:3, 3] @ X_CB[:3, :3], 1.0) > 0
        corners = corners[front]
    corners = _clip_near(corners)
    pixels = _project(corners, view)
    pixels = np.where((_doubled_area(pixels) > 0)[:, None, None], pixels[:, ::-1], pixels)
    return np.stack([pixels, np.roll(pixels, -1, axis=1)], axis=2).reshape(-1, 2, 2)


def _doubled_area(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Negative for triangles (T, 3, 2) that face the camera, since image rows grow downwards."""
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0])


def _clip_near(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triangles (T, 3, 3) cut at z = NEAR_M; one that loses a corner becomes two."""
    ahead = corners[..., 2] >= NEAR_M
    pieces = [corners[ahead.all(axis=1)]]
    for triangle, inside in zip(corners, ahead, strict=True):
        polygon = []
        for i in range(3 if inside.any() and not inside.all() else 0):
            a, b = triangle[i], triangle[(i + 1) % 3]
            if inside[i]:
                polygon.append(a)
            if inside[i] != inside[(i + 1) % 3]:
                polygon.append(a + (b - a) * (NEAR_M - a[2]) / (b[2] - a[2]))
        fan = [(polygon[0], polygon[i], polygon[i + 1]) for i in range(1, len(polygon) - 1)]
        pieces += [np.array([triple]) for triple in fan]
    return np.concatenate(pieces)


def _crossings(
    edges: NDArray[np.float64], body: NDArray[np.int64], view: View
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """(body, row, x, winding) where edges cross pixel rows; half-open, so corners count once."""
    start, end = edges[:, 0], edges[:, 1]
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    top = np.clip(np.ceil(low), -view.height, 2 * view.height).astype(np.int64)
    below = np.clip(np.ceil(high), -view.height, 2 * view.height).astype(np.int64)
    rows = below - top
    edge = np.repeat(np.arange(len(edges)), rows)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(rows) - rows, rows) + top[edge]
    rise = end[:, 1] - start[:, 1]
    slope = (end[:, 0] - start[:, 0]) / np.where(rise == 0, np.inf, rise)
    x = start[edge, 0] + (row - start[edge, 1]) * slope[edge]
    return body[edge], row, x, np.where(rise > 0, 1, -1)[edge]


def _intervals(
    body: NDArray[np.int64],
    row: NDArray[np.int64],
    x: NDArray[np.float64],
    winding: NDArray[np.int64],
    view: View,
    *,
    count: int,
) -> Spans:
    """Covered columns: from where the winding number leaves zero to where it returns."""
    order = np.lexsort((-winding, x, row, body))
    level = np.cumsum(winding[order])
    begin = np.flatnonzero((level != 0) & (np.append(0, level)[:-1] == 0))
    finish = np.flatnonzero((level == 0) & (np.append(0, level)[:-1] != 0))
    x, row, body = x[order], row[order], body[order]
    left = np.ceil(np.clip(x[begin], -view.width, 2 * view.width)).astype(np.int64)
    right = np.floor(np.clip(x[finish], -view.width - 1, 2 * view.width - 1)).astype(np.int64)
    some = left <= right
    return Spans(count, body[begin][some], row[begin][some], left[some], right[some])
