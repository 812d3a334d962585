"""How a bare surface becomes one to look at: normals with creases, UVs where the file has none."""

from __future__ import annotations

import numpy as np

from simenv.assets.edges import Edges, groups
from simenv.assets.soup import Floats, Rows, Soup
from simenv.mesh import Mesh

__all__ = ["CREASE_DEG", "dress"]

CREASE_DEG = 35.0  # edges sharper than this are seen as edges


def dress(soup: Soup) -> Mesh:
    """The mesh that is rendered; corners with another normal or UV become vertices of their own."""
    normals, smooth = _normals(soup)
    uvs = _projected(soup) if soup.uvs is None else soup.uvs
    rows = np.column_stack([soup.faces.ravel(), smooth])
    texture = np.round(uvs.reshape(-1, 2), 6)
    keys = np.column_stack([rows, texture])
    _, first, corner = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)  # vertices in the order of the faces
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    first = first[order]
    return Mesh(
        soup.vertices[soup.faces.ravel()[first]],
        normals[smooth[first]],
        texture[first] + 0.0,
        place[corner.reshape(-1)].reshape(-1, 3).astype(np.int32),
    )


def _normals(soup: Soup) -> tuple[Floats, Rows]:
    """Unit normals (N, 3), and the one of each corner (3 T,): an average over a smooth patch."""
    a, b, c = np.swapaxes(soup.triangles, 0, 1)
    flat = np.cross(b - a, c - a)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = flat / np.where(length > 0, length, 1.0)
    edges = Edges.of(soup.faces)
    pairs = edges.pairs()
    one, two = (pairs // 3).T
    level = np.einsum("ij,ij->i", unit[one], unit[two]) > np.cos(np.radians(CREASE_DEG))
    level |= (length[one] == 0)[:, 0] | (length[two] == 0)[:, 0]
    joined = pairs[level]
    # Over a smooth edge the corners at both of its ends are one: half-edge h starts at corner h.
    after = joined // 3 * 3 + (joined + 1) % 3
    same = np.concatenate(
        [
            np.column_stack([joined[:, 0], after[:, 1]]),
            np.column_stack([after[:, 0], joined[:, 1]]),
        ]
    )
    smooth = groups(same, soup.faces.size)
    weight = (_angles(soup)[:, :, None] * unit[:, None]).reshape(-1, 3)
    total = np.column_stack([np.bincount(smooth, axis) for axis in weight.T])
    size = np.linalg.norm(total, axis=1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0])
    return np.where(size > 1e-12, total / np.where(size > 1e-12, size, 1.0), up) + 0.0, smooth


def _angles(soup: Soup) -> Floats:
    """Of each corner (T, 3), radians: what its face weighs in the normal there."""
    corners = soup.triangles
    ahead = np.roll(corners, -1, axis=1) - corners
    back = np.roll(corners, 1, axis=1) - corners
    sine = np.linalg.norm(np.cross(ahead, back), axis=2)
    return np.asarray(np.arctan2(sine, np.einsum("tkj,tkj->tk", ahead, back)))


def _projected(soup: Soup) -> Floats:
    """UVs (T, 3, 2) from the side that each face looks to; the longest side of the part is 1."""
    a, b, c = np.swapaxes(soup.triangles, 0, 1)
    axis = np.abs(np.cross(b - a, c - a)).argmax(axis=1)
    low, longest = soup.vertices.min(axis=0), float(soup.extents.max())
    planes = np.array([[1, 2], [0, 2], [0, 1]])[axis]  # (T, 2)
    placed = (soup.triangles - low) / longest
    return np.take_along_axis(placed, planes[:, None, :], axis=2)
