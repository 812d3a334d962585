"""Where rays meet the surfaces of bodies: which face, where on it, how far along.

Each ray is meant for one body. A body's rays are sorted by row and column of the picture, so that
what a face covers of a row is one stretch of them: only these are tried, exactly, with the edge
functions of the face in homogeneous coordinates (Olano and Greer 1997). They need no projection, so
bent lenses are nothing special: their rays are sorted by where a straight lens would have them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simenv.label.outline import NEAR_M
from simenv.mesh import Mesh

__all__ = ["Facets", "Hits", "Rays", "Triangles", "strike"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

EDGE_ON = 1e-12  # of a face's size: flatter than this it is seen from the side, and is not seen
CHUNK = 1 << 20  # candidates at a time: bounds the memory, some 200 bytes each
ROUNDING = 1e-9  # a ray through the seam of two faces must not fall between them


@dataclass(frozen=True, eq=False)
class Facets:
    """The faces of one object with the normals at their corners, body frame."""

    corners: Array  # (T, 3, 3) metres
    normals: Array  # (T, 3, 3) unit

    @classmethod
    def of(cls, surface: Mesh) -> "Facets":
        """Faces one by one."""
        return cls(surface.vertices[surface.faces], surface.normals[surface.faces])


@dataclass(frozen=True, eq=False)
class Rays:
    """P rays from the camera, each to be tried against the faces of one body."""

    body: Rows  # (P,) row of the bodies
    xy: Array  # (P, 2) direction x/z, y/z
    z_m: Array  # (P,) the hit nearest to this depth is wanted

    def taken(self, chosen: Rows) -> "Rays":
        """Some of them."""
        return Rays(self.body[chosen], self.xy[chosen], self.z_m[chosen])


@dataclass(frozen=True, eq=False)
class Triangles:
    """The faces of several bodies in the camera's frame, end to end."""

    body: Rows  # (F,)
    corners: Array  # (F, 3, 3) metres
    normals: Array  # (F, 3, 3) at the corners
    front: NDArray[np.bool_]  # (F,) turned to the camera

    @classmethod
    def of(cls, facets: Sequence[Facets], X_CB: Array) -> "Triangles":
        """Bodies 0..N-1 at X_CB (N, 4, 4)."""
        corners = [f.corners @ X[:3, :3].T + X[:3, 3] for f, X in zip(facets, X_CB, strict=True)]
        normals = [f.normals @ X[:3, :3].T for f, X in zip(facets, X_CB, strict=True)]
        body = np.repeat(np.arange(len(facets)), [len(f.corners) for f in facets])
        at = np.concatenate([*corners, np.empty((0, 3, 3))])
        volume = np.einsum("ij,ij->i", at[:, 0], np.cross(at[:, 1], at[:, 2]))
        span = np.abs(at).max(axis=(1, 2), initial=0.0) ** 3
        seen = (np.abs(volume) > EDGE_ON * span) & (at[..., 2] > NEAR_M).any(axis=1)
        body, at, volume = body[seen], at[seen], volume[seen]
        return cls(body, at, np.concatenate([*normals, np.empty((0, 3, 3))])[seen], volume < 0)

    def split(self) -> tuple["Triangles", "Triangles"]:
        """Those that face the camera; and those that do not, with their normals turned around."""
        return self._part(self.front, 1.0), self._part(~self.front, -1.0)

    def _part(self, chosen: NDArray[np.bool_], sign: float) -> "Triangles":
        normals = sign * self.normals[chosen]
        return Triangles(self.body[chosen], self.corners[chosen], normals, self.front[chosen])

    @cached_property
    def edges(self) -> Array:
        """E (3, 3, F): weights of the corners, over z, of a ray's hit are x/z, y/z, 1 times E."""
        a, b, c = np.moveaxis(self.corners, 1, 0)
        across = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
        across /= np.einsum("ij,ij->i", a, across[:, 0])[:, None, None]
        return np.ascontiguousarray(np.moveaxis(across, 0, 2))


@dataclass(frozen=True, eq=False)
class Hits:
    """What P rays met."""

    face: Rows  # (P,) row of the triangles; -1 for nothing
    weights: Array  # (3, P) of the face's corners: they sum to 1
    z_m: Array  # (P,) depth; infinite for nothing
    error_m: Array  # (P,) how far from the depth that was wanted


def strike(
    triangles: Triangles, rays: Rays, K: Array, *, margin_px: float = 0.0, clamp: bool = False
) -> Hits:
    """The hits of ``rays`` nearest to the depths they want.

    With ``clamp`` a ray that passes a face by less than ``margin_px`` meets its closest point, in
    weights, and the error is the distance to the point that the ray wants.
    """
    count = len(rays.body)
    far = np.full(count, np.inf)
    hits = Hits(np.full(count, -1), np.zeros((3, count)), far, far.copy())
    for face, ray in _candidates(triangles, rays, K, margin_px):
        x, y = rays.xy[ray].T
        across, down, ahead = np.moveaxis(np.take(triangles.edges, face, axis=2), 1, 0)
        weights = across * x + down * y + ahead  # over z
        if clamp:
            weights, z, error = _closest(triangles.corners[face], weights, rays, ray)
        else:
            inverse = weights.sum(axis=0)
            met = (weights.min(axis=0) >= -ROUNDING * np.abs(inverse)) & (inverse > 0)
            face, ray, z = face[met], ray[met], 1.0 / inverse[met]
            weights, error = weights[:, met] * z, np.abs(z - rays.z_m[ray])
        np.minimum.at(hits.error_m, ray, error)
        best = error <= hits.error_m[ray]
        hits.face[ray[best]], hits.z_m[ray[best]] = face[best], z[best]
        hits.weights[:, ray[best]] = weights[:, best]
    return hits


def _closest(corners: Array, weights: Array, rays: Rays, ray: Rows) -> tuple[Array, Array, Array]:
    """Weights drawn in to the face, z there, and the distance to the points that rays want."""
    inverse = weights.sum(axis=0)
    drawn = np.maximum(weights / np.where(inverse == 0, 1.0, inverse), 0.0)
    drawn /= np.maximum(drawn.sum(axis=0), 1e-300)
    met = np.einsum("ic,cij->cj", drawn, corners)
    wanted = np.column_stack([rays.xy[ray], np.ones(len(ray))]) * rays.z_m[ray, None]
    return drawn, met[:, 2], np.linalg.norm(met - wanted, axis=1)


def _candidates(
    triangles: Triangles, rays: Rays, K: Array, margin_px: float
) -> Iterator[tuple[Rows, Rows]]:
    """(face, ray) in pieces: each ray with the faces of its body that may be in its way."""
    picture = _Picture.of(rays, K)
    uv = _straight(triangles.corners[..., :2] / _ahead(triangles.corners[..., 2:]), K)
    cut = triangles.corners[..., 2].min(axis=1, initial=np.inf) < NEAR_M
    half = picture.half + margin_px
    low = np.ceil(np.where(cut, -np.inf, uv[..., 1].min(axis=1, initial=np.inf) - half))
    high = np.floor(np.where(cut, np.inf, uv[..., 1].max(axis=1, initial=-np.inf) + half))
    first, last = picture.rows(triangles.body)
    low = np.maximum(low, first).astype(np.int64)
    count = np.maximum(np.minimum(high, last).astype(np.int64) - low + 1, 0)
    for some in _slices(count):
        face = np.repeat(np.arange(some.start, some.stop), count[some])
        row = _within(count[some]) + low[face]
        left, right = _stretch(uv[face], row - half, row + half)
        everywhere = cut[face]
        left = np.where(everywhere, -np.inf, left - margin_px)
        right = np.where(everywhere, np.inf, right + margin_px)
        start, length = picture.between(triangles.body[face], row, left, right)
        for part in _slices(length):
            one = np.repeat(np.arange(part.start, part.stop), length[part])
            yield face[one], picture.order[start[one] + _within(length[part])]


def _straight(xy: Array, K: Array) -> Array:
    """Pixels (..., 2) of directions, as if the lens were a pinhole."""
    return np.asarray(xy @ K[:2, :2].T + K[:2, 2])


def _ahead(z: Array) -> Array:
    return np.where(np.abs(z) < NEAR_M, NEAR_M, z)


@dataclass(frozen=True, eq=False)
class _Picture:
    """Rays in the order of (body, row, column), where a pinhole would have them."""

    order: Rows  # (P,) of the rays
    key: Array  # (P,) increasing
    half: float  # rays lie this close to the middle of their row, px
    ends: Rows  # (N + 1,) where each body's rays begin, in the order
    row: Rows  # (P,) in the order
    left: float  # of all columns
    width: float
    top: int  # of all rows
    height: int

    @classmethod
    def of(cls, rays: Rays, K: Array) -> "_Picture":
        """Sort them."""
        u, v = _straight(rays.xy, K).T
        row = np.rint(v).astype(np.int64)
        top = int(row.min()) if len(row) else 0
        height = int(row.max()) - top + 1 if len(row) else 1
        left = float(u.min(initial=np.inf)) - 1 if len(u) else 0.0
        width = float(u.max(initial=-np.inf)) + 1 - left if len(u) else 1.0
        key = (rays.body * height + row - top) * width + (u - left)
        order = np.argsort(key, kind="stable")
        ends = np.searchsorted(rays.body[order], np.arange(rays.body.max(initial=-1) + 2))
        half = float(np.abs(v - row).max(initial=0.0)) + 1e-6
        return cls(order, key[order], half, ends, row[order], left, width, top, height)

    def rows(self, body: Rows) -> tuple[Rows, Rows]:
        """First and last row of the rays of bodies (F,); nothing is between 1 and 0."""
        known = body < len(self.ends) - 1
        start = np.where(known, self.ends[np.where(known, body, 0)], 0)
        stop = np.where(known, self.ends[np.where(known, body + 1, 0)], 0)
        some = stop > start
        row = np.append(self.row, 0)
        return np.where(some, row[start], 1), np.where(some, row[stop - 1], 0)

    def between(self, body: Rows, row: Rows, left: Array, right: Array) -> tuple[Rows, Rows]:
        """Where the rays from column ``left`` to ``right`` of a row begin, and how many."""
        line = (body * self.height + row - self.top) * self.width
        last = self.width - 0.5
        start = np.searchsorted(self.key, line + np.clip(left - self.left, 0.5, last))
        stop = np.searchsorted(self.key, line + np.clip(right - self.left, 0.5, last), "right")
        return start, np.maximum(stop - start, 0)


def _stretch(uv: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Smallest and largest u of triangles (C, 3, 2) between v = low and v = high."""
    first, last = uv, np.roll(uv, -1, axis=1)
    rise = last[..., 1] - first[..., 1]
    rise = np.where(np.abs(rise) < 1e-12, 1e-12, rise)
    a = (low[:, None] - first[..., 1]) / rise
    b = (high[:, None] - first[..., 1]) / rise
    enter, leave = np.clip(np.minimum(a, b), 0, 1), np.clip(np.maximum(a, b), 0, 1)
    run = last[..., 0] - first[..., 0]
    u = np.stack([first[..., 0] + enter * run, first[..., 0] + leave * run])
    apart = np.maximum(a, b) < 0
    apart |= np.minimum(a, b) > 1
    return (
        np.where(apart, np.inf, u.min(axis=0)).min(axis=1) - 1e-6,
        np.where(apart, -np.inf, u.max(axis=0)).max(axis=1) + 1e-6,
    )


def _within(count: Rows) -> Rows:
    """0, 1, ... of each run of lengths ``count``."""
    return np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)


def _slices(count: Rows) -> Iterator[slice]:
    """Stretches of ``count`` that sum to about CHUNK."""
    total = np.cumsum(count)
    last = int(total[-1]) if len(total) else 0
    cuts = np.searchsorted(total, np.arange(CHUNK, last, CHUNK)) + 1
    stops = np.unique(np.append(cuts, len(count)))
    for start, stop in zip(np.append(0, stops[:-1]), stops, strict=True):
        if stop > start:
            yield slice(int(start), int(stop))
