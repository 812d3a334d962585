"""The whole of every body inside the picture, what hides it, and how much is outside."""

import numpy as np
from numpy.typing import NDArray

from simenv import lens
from simenv.label.normals import facets
from simenv.label.place import camera_poses
from simenv.label.rle import encode
from simenv.label.spans import Spans
from simenv.label.surface import Rays, Triangles, strike
from simenv.render.renderer import Frame
from simenv.scene import Snapshot, View

__all__ = ["amodal", "occluders", "truncation"]


def truncation(whole: Spans, view: View) -> NDArray[np.float32]:
    """Fraction (N,) of the silhouettes that lies outside the image; 0 where there is none."""
    outside = whole.px - whole.inside(view.width, view.height).px
    return (outside / np.maximum(whole.px, 1)).astype(np.float32)


def amodal(whole: Spans, view: View) -> tuple[str, ...]:
    """The silhouettes inside the image as COCO's compressed run lengths."""
    masks = (whole.mask(index, view.width, view.height) for index in range(whole.count))
    return tuple(encode(mask) for mask in masks)


def occluders(
    whole: Spans, rows: NDArray[np.int64], snapshot: Snapshot, view: View, frame: Frame
) -> NDArray[np.uint16]:
    """Id of the body before most of the hidden pixels of each body (N,); 0: nothing, or the floor.

    A pixel is hidden where the silhouette lies under another id that is nearer than the body's own
    surface on that pixel's ray. The last words matter: a renderer may round an outline so that the
    ground behind shows, and that hides nothing. ``rows`` (N,) are the bodies' in Scene.bodies.
    """
    index, v, u = _covered(whole, rows, snapshot, frame)
    xy = lens.rays(view.width, view.height, view.K, view.distortion)[v, u]
    used = np.unique(index)
    scene, place = snapshot.scene, np.zeros(len(rows), dtype=np.int64)
    place[used] = np.arange(len(used))
    surfaces = [facets(scene.objects[scene.bodies[row].object]) for row in rows[used]]
    front, _ = Triangles.of(surfaces, camera_poses(snapshot, view)[rows[used]]).split()
    own = strike(front, Rays(place[index], xy, np.zeros(len(index))), view.K)
    hidden = frame.depth_m[v, u] < own.z_m
    return _most(index[hidden], frame.instance[v, u][hidden], len(rows))


def _covered(
    whole: Spans, rows: NDArray[np.int64], snapshot: Snapshot, frame: Frame
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(body 0..N-1, v, u) of the pixels of each silhouette where something else is seen."""
    height, width = frame.instance.shape
    inside = whole.inside(width, height)
    length = inside.right - inside.left + 1
    span = np.repeat(np.arange(len(length)), length)
    u = np.arange(len(span)) - np.repeat(np.cumsum(length) - length - inside.left, length)
    v, index = inside.row[span], inside.body[span]
    ids = np.array([snapshot.scene.bodies[row].id for row in rows], dtype=np.uint16)
    other = (frame.instance[v, u] != ids[index]) & (frame.depth_m[v, u] > 0)
    return index[other], v[other], u[other]


def _most(index: NDArray[np.int64], hider: NDArray[np.uint16], count: int) -> NDArray[np.uint16]:
    """The id (count,) that is most often beside each index; of equals the smallest."""
    pairs, votes = np.unique((index << 16) | hider, return_counts=True)
    order = np.lexsort((-pairs, votes))  # the last one written stays
    found = np.zeros(count, dtype=np.uint16)
    found[pairs[order] >> 16] = pairs[order] & 0xFFFF
    return found
