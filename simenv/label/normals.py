"""Which way the surface faces behind every pixel, for renderers that do not draw it."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv.label.place import Points, camera_poses
from simenv.label.surface import Facets, Hits, Rays, Triangles, strike
from simenv.render.renderer import Frame
from simenv.scene import Snapshot, View
from simenv.spec.object import ObjectModel

__all__ = ["facets", "normals"]

OFF_M = 2e-3  # a hit farther from the picture's depth than this is another part of the surface
MARGIN_PX = 1.5  # renderers round outlines: a pixel may show a face that its centre just misses


def normals(snapshot: Snapshot, view: View, frame: Frame) -> NDArray[np.float32]:
    """The unit normals (H, W, 3) of shading in camera axes; 0 0 0 where there is no surface.

    The ray of each pixel meets the faces of the body that the instance mask names; the hit nearest
    to the frame's depth counts, and the normals at that face's corners are interpolated there.
    """
    points = Points.of(snapshot.scene, view, frame)
    used = np.flatnonzero(np.bincount(points.body, minlength=len(snapshot.scene.bodies)))
    surfaces = [facets(snapshot.scene.objects[snapshot.scene.bodies[row].object]) for row in used]
    triangles = Triangles.of(surfaces, camera_poses(snapshot, view)[used])
    place = np.zeros(len(snapshot.scene.bodies), dtype=np.int64)
    place[used] = np.arange(len(used))
    rays = Rays(place[points.body], points.xy, points.z_m)
    found = _shaded(triangles, rays, view)
    picture = np.zeros((view.height, view.width, 3), dtype=np.float32)
    picture[points.v, points.u] = found
    return picture


@lru_cache(maxsize=1024)
def facets(model: ObjectModel) -> Facets:
    """The faces of an object; kept, since every frame asks for them."""
    return Facets.of(model.mesh)


def _shaded(triangles: Triangles, rays: Rays, view: View) -> NDArray[np.float64]:
    """Unit normals (P, 3): of the face hit, of one close by, of one seen from behind."""
    front, back = triangles.split()
    hits = strike(front, rays, view.K)
    found = _interpolated(front, hits)
    for surface, clamp in ((front, True), (back, False)):
        missed = np.flatnonzero(hits.error_m > OFF_M)
        if not len(missed):
            break
        margin = MARGIN_PX if clamp else 0.0
        again = strike(surface, rays.taken(missed), view.K, margin_px=margin, clamp=clamp)
        nearer = again.error_m < hits.error_m[missed]
        chosen = missed[nearer]
        found[:, chosen] = _interpolated(surface, again)[:, nearer]
        hits.error_m[chosen] = again.error_m[nearer]
    lost = np.flatnonzero(np.isinf(hits.error_m))  # the mesh has no face there: towards the eye
    found[:, lost] = -np.column_stack([rays.xy[lost], np.ones(len(lost))]).T
    return np.asarray((found / np.sqrt((found**2).sum(axis=0))).T)


def _interpolated(triangles: Triangles, hits: Hits) -> NDArray[np.float64]:
    """Normals (3, P) at the hits, not yet of length 1; of the flat face where the corners' cancel.

    Rays without a hit get anything but zero.
    """
    if not len(triangles.body):
        return np.ones((3, len(hits.face)))
    a, b, c = (np.take(triangles.normals[:, k].T, hits.face, axis=1) for k in range(3))
    found = a * hits.weights[0] + b * hits.weights[1] + c * hits.weights[2]
    dull = np.flatnonzero((found**2).sum(axis=0) < 1e-12)
    a, b, c = np.moveaxis(triangles.corners[hits.face[dull]], 1, 0)
    found[:, dull] = np.cross(b - a, c - a).T
    return np.asarray(found)
