"""Which pixels a body would cover if it stood alone: exact, from geometry; nothing is rendered.

A pixel is covered when its centre lies inside the projected surface. The edges shared by two faces
that both look at the camera, or both away from it, cancel; so only the contour is cut into rows
(the winding-number rule). The cost depends on the outline and not on the size of the image.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.label.optics import image_edges
from simenv.label.outline import NEAR_M, Outline, Outlines
from simenv.label.spans import Spans, fill
from simenv.scene import View

__all__ = ["silhouettes"]


def silhouettes(outlines: Sequence[Outline], X_CB: NDArray[np.float64], view: View) -> Spans:
    """The silhouettes of N bodies at X_CB (N, 4, 4), each as if it were alone in ``view``."""
    bodies = Outlines.of(tuple(outlines))
    ahead = bodies.ahead(X_CB)
    contours, body = _contours(bodies, X_CB, ahead)
    pieces, owners = [contours], [body]
    for index in np.flatnonzero(~ahead):
        edges = _all_edges(bodies.each[index], X_CB[index])
        pieces.append(edges)
        owners.append(np.full(len(edges), index))
    flat, owner = np.concatenate(pieces), np.concatenate(owners)
    return fill(*image_edges(flat, owner, view), view, count=len(outlines))


def _contours(
    bodies: Outlines, X_CB: NDArray[np.float64], ahead: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Edges (E, 2, 2) in x/z, y/z between a face seen from the front and one that is not.

    Of an open surface also the edges that no face is beyond. They run so that they wind once around
    every covered point, or more. Only of bodies that are ``ahead``.
    """
    R_CB, p_CB = X_CB[:, :3, :3], X_CB[:, :3, 3]
    eyes_B = np.ones((len(X_CB), 4))  # the camera in each body's frame
    eyes_B[:, :3] = -np.einsum("nji,nj->ni", R_CB, p_CB)
    front = np.einsum("tj,tj->t", bodies.planes, eyes_B[bodies.body]) > 0
    edge = _contour_edges(bodies, front, ahead)
    face, first = np.divmod(edge, 3)
    body = bodies.body[face]
    ends = np.stack([bodies.corners[face, first], bodies.corners[face, (first + 1) % 3]], axis=1)
    ends = np.where(front[face][:, None, None], ends, ends[:, ::-1])  # from behind: turned around
    ends = np.einsum("eij,ekj->eki", R_CB[body], ends) + p_CB[body][:, None]
    return ends[..., :2] / ends[..., 2:], body


def _contour_edges(
    bodies: Outlines, front: NDArray[np.bool_], ahead: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Numbers (E,) of the edges that do not cancel; of closed surfaces those of the front alone.

    What covers a pixel of a closed surface covers it with a front as well.
    """
    mine, beyond = np.repeat(front, 3), front[bodies.across]
    own = np.repeat(bodies.body, 3)
    of_closed = mine & ~beyond
    of_open = (bodies.across < 0) | (mine != beyond)
    return np.flatnonzero(ahead[own] & np.where(bodies.closed[own], of_closed, of_open))


def _all_edges(outline: Outline, X_CB: pose.Matrix) -> NDArray[np.float64]:
    """Every edge (E, 2, 2) in x/z, y/z, cut at the camera; faces seen from behind turned around."""
    corners = outline.corners @ X_CB[:3, :3].T + X_CB[:3, 3]
    if outline.closed:  # what covers a pixel covers it with a front as well
        front = outline.planes @ np.append(-X_CB[:3, 3] @ X_CB[:3, :3], 1.0) > 0
        corners = corners[front]
    corners = _clip_near(corners)
    flat = corners[..., :2] / corners[..., 2:]
    flat = np.where((_doubled_area(flat) > 0)[:, None, None], flat[:, ::-1], flat)
    return np.stack([flat, np.roll(flat, -1, axis=1)], axis=2).reshape(-1, 2, 2)


def _doubled_area(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Negative for triangles (T, 3, 2) that face the camera, since y points down."""
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0])


def _clip_near(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triangles (T, 3, 3) cut at z = NEAR_M; one that loses a corner becomes two."""
    ahead = corners[..., 2] >= NEAR_M
    whole = ahead.all(axis=1)
    cut = ahead.any(axis=1) & ~whole  # few, so that they may be cut one by one
    pieces = [corners[whole]]
    for triangle, inside in zip(corners[cut], ahead[cut], strict=True):
        polygon = []
        for i in range(3):
            a, b = triangle[i], triangle[(i + 1) % 3]
            if inside[i]:
                polygon.append(a)
            if inside[i] != inside[(i + 1) % 3]:
                polygon.append(a + (b - a) * (NEAR_M - a[2]) / (b[2] - a[2]))
        fan = [(polygon[0], polygon[i], polygon[i + 1]) for i in range(1, len(polygon) - 1)]
        pieces += [np.array([triple]) for triple in fan]
    return np.concatenate(pieces)
