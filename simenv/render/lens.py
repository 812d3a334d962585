"""How a lens that bends the picture is drawn by a renderer that cannot: a pinhole, exact edges.

A distorted view is drawn as an undistorted picture of the same eye that shows all its rays, with
pixels nowhere larger than its own. Every pixel then looks up what its own ray meets:

- where the four neighbours of the ray show one smooth surface, it is interpolated: 1/z, which is
  linear on a plane, and with it normals and object coordinates;
- elsewhere, at outlines and creases, the ray is cast at the meshes: mask and depth are exact there,
  too, and need no finer picture;
- colours are interpolated throughout.

Against an exact ray cast of whole pictures of the shipped tasks (640x480, k1 = -0.28): 0 of 307,200
mask pixels differ, and the median depth error is at most 0.001 mm. The nearest pixel of the pinhole
picture would give a mean mask IoU of 0.94 to 0.98, of one four times as fine 0.98 to 0.996; see
docs/cameras.md.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv import lens
from simenv.render.rays import hits
from simenv.render.renderer import Channel, Frame, Frames, Renderer
from simenv.scene import Snapshot, View

__all__ = ["begin", "shoot"]

SMOOTH_M = 2e-4  # what three neighbours may miss a line by; interpolation is 8 times as good
DEPTH_STEPS = 2.0**-16  # of a depth buffer, at least; its steps are no edges


def begin(
    renderer: Renderer,
    snapshot: Snapshot,
    views: Sequence[View],
    channels: Collection[Channel] = (),
) -> Frames:
    """Start the pictures of ``snapshot`` from any ``views``; call the result for them.

    Views without distortion are the renderer's own pictures. Of a distorted one, ``near_far_m`` is
    that of the pinhole picture it was made from.
    """
    straight = [_straight(view) for view in views]
    fetch = renderer.begin(snapshot, straight, channels)
    if all(view.distortion is None for view in views):
        return fetch
    return lambda: [
        frame if view.distortion is None else _bent(frame, snapshot, view)
        for frame, view in zip(fetch(), views, strict=True)
    ]


def shoot(
    renderer: Renderer, snapshot: Snapshot, view: View, channels: Collection[Channel] = ()
) -> Frame:
    """The picture of ``snapshot`` from ``view``, distorted or not, at once."""
    return begin(renderer, snapshot, [view], channels)()[0]


def _straight(view: View) -> View:
    if view.distortion is None:
        return view
    wide = lens.pinhole(view.width, view.height, view.K, view.distortion)
    return replace(view, width=wide.width, height=wide.height, K=wide.K, distortion=None)


@dataclass(frozen=True, eq=False)
class _Lookup:
    """Where the rays of a picture's pixels (H, W) are in the pinhole picture (h, w)."""

    corner: NDArray[np.int32]  # (H, W) upper left of the four pixels around the ray; flat index
    across: NDArray[np.float32]  # (H, W) how far it is from there to the right, 0..1
    down: NDArray[np.float32]  # (H, W)
    maps: tuple[NDArray[np.int16], NDArray[np.uint16]]  # the same for cv2.remap


def _lookup(view: View) -> _Lookup:
    assert view.distortion is not None
    K, distortion = tuple(view.K.ravel().tolist()), tuple(view.distortion.tolist())
    return _lookup_of(view.width, view.height, K, distortion)


@lru_cache(maxsize=8)
def _lookup_of(
    width: int, height: int, K: tuple[float, ...], distortion: tuple[float, ...]
) -> _Lookup:
    matrix, bent = np.array(K).reshape(3, 3), np.array(distortion)
    wide = lens.pinhole(width, height, matrix, bent)
    xy = lens.rays(width, height, matrix, bent)
    u = xy[..., 0] * wide.K[0, 0] + wide.K[0, 2]
    v = xy[..., 1] * wide.K[1, 1] + wide.K[1, 2]
    column, row = np.floor(u), np.floor(v)
    first, second = cv2.convertMaps(u.astype(np.float32), v.astype(np.float32), cv2.CV_16SC2)
    return _Lookup(
        (row * wide.width + column).astype(np.int32),
        (u - column).astype(np.float32),
        (v - row).astype(np.float32),
        (np.asarray(first, np.int16), np.asarray(second, np.uint16)),
    )


def _bent(wide: Frame, snapshot: Snapshot, view: View) -> Frame:
    """The picture of the distorted ``view``, from the pinhole picture ``wide``."""
    at = _lookup(view)
    nearness = _nearness(wide.depth_m)
    found = _interpolated(nearness, at)
    frame = Frame(
        np.asarray(cv2.remap(wide.rgb, *at.maps, cv2.INTER_LINEAR), np.uint8),
        np.divide(1.0, found, out=np.zeros_like(found), where=found > 0),
        np.take(wide.instance, at.corner),
        wide.near_far_m,
        None if wide.normals is None else _unit(_interpolated(wide.normals, at)),
        None if wide.coordinates is None else _interpolated(wide.coordinates, at),
    )
    rough = np.take(_rough(wide.instance, nearness, wide.near_far_m), at.corner)
    _cast(frame, snapshot, view, rough)
    return frame


def _nearness(depth_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """1/z; 0 where there is no surface."""
    return np.divide(np.float32(1), depth_m, out=np.zeros_like(depth_m), where=depth_m > 0)


def _interpolated(picture: NDArray[np.float32], at: _Lookup) -> NDArray[np.float32]:
    """Bilinear, with the whole precision of the position, which cv2.remap rounds to 1/32 px."""
    width = picture.shape[1]
    flat = picture.reshape(-1, *picture.shape[2:])
    across, down = (x.reshape(x.shape + (1,) * (flat.ndim - 1)) for x in (at.across, at.down))
    left, right = flat[at.corner], flat[at.corner + 1]
    upper = left + (right - left) * across
    left, right = flat[at.corner + width], flat[at.corner + width + 1]
    return np.asarray(upper + (left + (right - left) * across - upper) * down)


def _unit(normals: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(np.divide(normals, length, out=np.zeros_like(normals), where=length > 0))


def _rough(
    instance: NDArray[np.uint16], nearness: NDArray[np.float32], near_far_m: tuple[float, float]
) -> NDArray[np.bool_]:
    """Whether a pixel and its right, lower and lower right neighbours are not one smooth surface.

    Two neighbours are on one surface if they have one id, and 1/z is linear from one of them
    onwards through the other: a crease or a jump between them bends both sides.
    """
    near, far = near_far_m
    steps = 4 * DEPTH_STEPS * (1 / near - 1 / far)
    allowed = np.maximum(np.float32(SMOOTH_M) * nearness * nearness, np.float32(steps))
    across = _broken(instance, nearness, allowed)
    down = _broken(instance.T, nearness.T, allowed.T).T
    rough = across | down
    rough[:-1] |= across[1:]
    rough[:, :-1] |= down[:, 1:]
    return rough


def _broken(
    instance: NDArray[np.uint16], nearness: NDArray[np.float32], allowed: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Whether a pixel and its right neighbour are two surfaces."""
    bent = np.ones(instance.shape, bool)
    turn = np.diff(nearness, axis=1)
    bent[:, 1:-1] = np.abs(np.diff(turn, axis=1)) > allowed[:, 1:-1]
    broken = np.ones(instance.shape, bool)
    broken[:, :-1] = (bent[:, :-1] & bent[:, 1:]) | (instance[:, :-1] != instance[:, 1:])
    return broken


def _cast(frame: Frame, snapshot: Snapshot, view: View, rough: NDArray[np.bool_]) -> None:
    """Put into ``frame`` what the rays of the ``rough`` pixels meet."""
    xy = lens.rays(view.width, view.height, view.K, view.distortion)[rough]
    surface = frame.normals is not None or frame.coordinates is not None
    found = hits(snapshot, view, xy, frame.near_far_m, surface=surface)
    ids = np.array([*(body.id for body in snapshot.scene.bodies), 0], np.uint16)  # -1: nothing
    frame.instance[rough] = ids[found.body]
    frame.depth_m[rough] = found.z
    if frame.normals is not None and found.normal_C is not None:
        frame.normals[rough] = found.normal_C
    if frame.coordinates is not None and found.p_B is not None:
        frame.coordinates[rough] = np.where(ids[found.body, None] > 0, found.p_B, 0.0)
