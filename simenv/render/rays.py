"""What single rays of a camera hit: exact surfaces, for the few pixels where that matters.

A ray and a triangle are compared as cones from the eye: the ray is inside if it is on the same side
of the three planes through the eye and an edge. Rays are sorted into square cells of the picture,
so that a triangle meets only rays near it. No engine, plain numpy.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.mesh import Mesh
from simenv.scene import Snapshot, View
from simenv.spec.object import ObjectModel

__all__ = ["Hits", "hits"]

Array = NDArray[np.float64]

CELLS = 160  # along the wider side of the picture
BEHIND_M = 1e-6  # corners nearer than this have no place in the picture


@dataclass(frozen=True, eq=False)
class Hits:
    """The first surface that each of P rays meets."""

    body: NDArray[np.int64]  # (P,) row of Scene.bodies; -1 = nothing
    z: Array  # (P,) metres along camera z; 0 = nothing
    normal_C: Array | None  # (P, 3) the mesh's shading normal, unit, camera axes; 0 = nothing
    p_B: Array | None  # (P, 3) where the body is hit, in its own frame; 0 = nothing


@dataclass(frozen=True, eq=False)
class _Faces:
    """A mesh, face by face."""

    mesh: Mesh
    planes: Array  # (T, 4) a face looks at p_B where planes @ (p_B, 1) > 0

    @classmethod
    def of(cls, mesh: Mesh) -> "_Faces":
        a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
        normal = _cross(b - a, c - a)
        return cls(mesh, np.column_stack([normal, -(normal * a).sum(axis=1)]))


@dataclass(frozen=True, eq=False)
class _Soup:
    """All faces of a scene that look at the eye."""

    body: NDArray[np.int64]  # (T,)
    face: NDArray[np.int64]  # (T,) of the body's mesh
    corners: Array  # (T, 3, 3) camera frame


@dataclass(frozen=True, eq=False)
class _Met:
    """M rays and what they meet."""

    ray: NDArray[np.int64]  # (M,)
    triangle: NDArray[np.int64]  # (M,) of the soup
    z: Array  # (M,)


def hits(
    snapshot: Snapshot,
    view: View,
    xy: Array,
    near_far_m: tuple[float, float],
    *,
    surface: bool = False,
) -> Hits:
    """What the rays x/z, y/z (P, 2) from the eye of ``view`` meet between two planes of z.

    ``surface`` asks for ``normal_C`` and ``p_B``, too.
    """
    X_CB = pose.inverse(view.X_WC) @ snapshot.X_WB
    meshes = [_faces(snapshot.scene.objects[body.object]) for body in snapshot.scene.bodies]
    soup = _facing(meshes, X_CB, near_far_m)
    ray, triangle, z = _pierced(soup.corners, xy, *_candidates(soup.corners, xy))
    between = (z >= near_far_m[0]) & (z <= near_far_m[1])
    ray, triangle, z = ray[between], triangle[between], z[between]
    order = np.lexsort((z, ray))
    ray, first = np.unique(ray[order], return_index=True)
    met = _Met(ray, triangle[order][first], z[order][first])
    body, depth = np.full(len(xy), -1), np.zeros(len(xy))
    body[met.ray], depth[met.ray] = soup.body[met.triangle], met.z
    normal_C, p_B = _surface(meshes, X_CB, soup, xy, met) if surface else (None, None)
    return Hits(body, depth, normal_C, p_B)


@lru_cache(maxsize=1024)
def _faces(model: ObjectModel) -> _Faces:
    return _Faces.of(model.mesh)


def _facing(meshes: list[_Faces], X_CB: Array, near_far_m: tuple[float, float]) -> _Soup:
    """The faces that look at the eye and are not wholly before or behind the planes."""
    eyes_B = np.concatenate([pose.inverse(X_CB)[:, :3, 3], np.ones((len(X_CB), 1))], axis=1)
    bodies, faces, corners = [], [], []
    for row, (mesh, eye_B) in enumerate(zip(meshes, eyes_B, strict=True)):
        face = np.flatnonzero(mesh.planes @ eye_B > 0)
        placed = pose.apply(X_CB[row], mesh.mesh.vertices)[mesh.mesh.faces[face]]
        a, b, c = placed[..., 2].T
        near, far = near_far_m
        kept = (a >= near) | (b >= near) | (c >= near)
        kept &= (a <= far) | (b <= far) | (c <= far)
        bodies.append(np.full(np.count_nonzero(kept), row))
        faces.append(face[kept])
        corners.append(placed[kept])
    return _Soup(
        np.concatenate([*bodies, np.empty(0, np.int64)]),
        np.concatenate([*faces, np.empty(0, np.int64)]),
        np.concatenate([*corners, np.empty((0, 3, 3))]),
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """Rays sorted into square cells, row by row: those of side by side cells are side by side."""

    start: Array  # (2,) corner of the first cell
    size: float
    columns: int
    rows: int
    ray: NDArray[np.int64]  # (P,) in the order of their cells
    before: NDArray[np.int64]  # (rows * columns + 1,) rays in earlier cells

    @classmethod
    def of(cls, xy: Array) -> "_Cells":
        """Sort rays (P, 2), at least one."""
        start, extent = xy.min(axis=0), np.ptp(xy, axis=0)
        size = max(float(extent.max()), 1e-9) / CELLS
        columns, rows = (int(length) + 1 for length in extent / size)
        column, row = np.floor((xy - start) / size).astype(np.int64).T
        flat = row * columns + column
        before = np.cumsum(np.bincount(flat, minlength=rows * columns))
        order = np.argsort(flat, kind="stable")
        return cls(start, size, columns, rows, order, np.concatenate([[0], before]))

    def of_points(self, xy: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Columns and rows (N,) of points (2, N); those outside are one cell beyond an end."""
        column, row = ((xy[k] - self.start[k]) / self.size for k in (0, 1))
        return (
            np.floor(np.clip(column, -1, self.columns)).astype(np.int64),
            np.floor(np.clip(row, -1, self.rows)).astype(np.int64),
        )

    def within(self, low: Array, high: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs (ray, box): the rays in all cells that boxes (2, T), (2, T) touch."""
        (left, top), (right, bottom) = self.of_points(low), self.of_points(high)
        touched = (right >= 0) & (left < self.columns) & (bottom >= 0) & (top < self.rows)
        box = np.flatnonzero(touched)
        left, right = np.maximum(left[box], 0), np.minimum(right[box], self.columns - 1)
        top, bottom = np.maximum(top[box], 0), np.minimum(bottom[box], self.rows - 1)
        owner, line = _spread(bottom - top + 1)
        cell = (line + top[owner]) * self.columns
        first = self.before[cell + left[owner]]
        run, offset = _spread(self.before[cell + right[owner] + 1] - first)
        return self.ray[first[run] + offset], box[owner[run]]


def _candidates(corners: Array, xy: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (ray, triangle) such that the ray is in the triangle's bounding box."""
    if not len(xy):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    low, high = _boxes(corners)
    ray, triangle = _Cells.of(xy).within(low, high)
    (x, y), (x0, y0), (x1, y1) = xy[ray].T, low[:, triangle], high[:, triangle]
    near = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    return ray[near], triangle[near]


def _boxes(corners: Array) -> tuple[Array, Array]:
    """Bounds (2, T) of triangles in x/z, y/z; everything for one that reaches behind the eye."""
    x, y, z = np.ascontiguousarray(corners.transpose(2, 1, 0))  # (3, T) each, by corner
    ahead = (z[0] > BEHIND_M) & (z[1] > BEHIND_M) & (z[2] > BEHIND_M)
    z = np.maximum(z, BEHIND_M)
    low = [np.minimum(np.minimum(*side[:2]), side[2]) for side in (x / z, y / z)]
    high = [np.maximum(np.maximum(*side[:2]), side[2]) for side in (x / z, y / z)]
    return np.where(ahead, low, -np.inf), np.where(ahead, high, np.inf)


def _spread(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For counts (2, 0, 3): the owners 0 0 2 2 2 and the numbers within each, 0 1 0 1 2."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def _pierced(
    corners: Array, xy: Array, ray: NDArray[np.int64], triangle: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """The pairs that meet, and the depth z where they do."""
    used, place = np.unique(triangle, return_inverse=True)
    a, b, c = (corners[used, k] for k in range(3))
    normal = _cross(b - a, c - a)
    height = (normal * a).sum(axis=1)  # negative: the face looks at the eye
    inside = np.ones(len(ray), bool)
    for start, end in ((a, b), (b, c), (c, a)):
        inside &= _along(_cross(start, end)[place], xy[ray]) <= 0
    ray, triangle, place = ray[inside], triangle[inside], place[inside]
    slope = _along(normal[place], xy[ray])
    ahead = slope < 0
    return ray[ahead], triangle[ahead], height[place[ahead]] / slope[ahead]


def _along(vector: Array, xy: Array) -> Array:
    """Dot product of vectors (N, 3) with rays (x, y, 1)."""
    return np.asarray(vector[:, 0] * xy[:, 0] + vector[:, 1] * xy[:, 1] + vector[:, 2])


def _cross(a: Array, b: Array) -> Array:
    """Cross product of vectors (N, 3), in half the time of numpy's."""
    x = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    y = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    z = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return np.stack([x, y, z], axis=1)


def _surface(
    meshes: list[_Faces], X_CB: Array, soup: _Soup, xy: Array, met: _Met
) -> tuple[Array, Array]:
    """``normal_C`` and ``p_B`` (P, 3) of `Hits`."""
    normal_C, p_B = np.zeros((len(xy), 3)), np.zeros((len(xy), 3))
    for row in np.unique(soup.body[met.triangle]):
        own = soup.body[met.triangle] == row
        mesh, face, ray = meshes[row].mesh, soup.face[met.triangle[own]], met.ray[own]
        p_C = np.column_stack([xy[ray], np.ones(len(ray))]) * met.z[own, None]
        p_B[ray] = pose.apply(pose.inverse(X_CB[row]), p_C)
        normal_C[ray] = _blended(mesh, face, p_B[ray]) @ X_CB[row, :3, :3].T
    return normal_C, p_B


def _blended(mesh: Mesh, face: NDArray[np.int64], p_B: Array) -> Array:
    """The mesh's unit normals (N, 3) at points of faces (N,), linear between their corners."""
    corners, normals = mesh.vertices[mesh.faces[face]], mesh.normals[mesh.faces[face]]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    flat = _cross(b - a, c - a)
    area = (flat * flat).sum(axis=1)
    weight_b = (_cross(p_B - a, c - a) * flat).sum(axis=1) / area
    weight_c = (_cross(b - a, p_B - a) * flat).sum(axis=1) / area
    weights = np.column_stack([1 - weight_b - weight_c, weight_b, weight_c])
    blended = (normals * weights[..., None]).sum(axis=1)
    return np.asarray(blended / np.linalg.norm(blended, axis=1, keepdims=True))
