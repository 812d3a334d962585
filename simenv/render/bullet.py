"""How a Bullet client draws a snapshot: what the EGL plugin and TinyRenderer have in common."""

import os
from collections.abc import Callable, Collection, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.errors import EngineError
from simenv.pose import Vector
from simenv.render import backdrop, camera, light, relight
from simenv.render.camera import Tile
from simenv.render.meshfile import MeshFiles
from simenv.render.relight import Shading
from simenv.render.renderer import Channel, Frame, Frames
from simenv.render.stage import Stage
from simenv.scene import Snapshot, View
from simenv.spec.look import Look

__all__ = ["BulletRenderer"]

# Colour (H, W, 4), depth buffer in 0..1 and segmentation (H, W); -1 is nothing.
Shot = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32]]


class BulletRenderer:
    """Draws with ``getCameraImage`` of a client of its own; nothing is shared with physics."""

    name: str
    device: str
    channels: frozenset[Channel] = frozenset()
    reach: float | None = None  # half-width of what the shadow map covers; None: no scaling
    reuse: bool = True  # whether bodies stay from scene to scene
    largest_tile: tuple[int, int] | None = None  # pixels that one request can draw
    shading: Shading  # what the engine makes of its lamp
    shadows: bool = True  # whether it draws them
    sample_offset: float = 0.0  # from a pixel's centre to where it is sampled, (right, down)

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._client = self._connect()
        self._files = MeshFiles()
        self._stage = self._new_stage()

    def __enter__(self) -> "BulletRenderer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the client back; a second call does nothing."""
        if self._client >= 0:
            self._files.close()
            self._disconnect()
            self._client = -1

    def begin(
        self, snapshot: Snapshot, views: Sequence[View], channels: Collection[Channel] = ()
    ) -> Frames:
        """Draw ``snapshot`` from ``views`` at once: the engine has no other way."""
        frames = [self.render(snapshot, view) for view in views]
        return lambda: frames

    def render(self, snapshot: Snapshot, view: View, channels: Collection[Channel] = ()) -> Frame:
        """The picture of ``snapshot`` from ``view``.

        A snapshot is taken as a value: drawn twice in a row it is not looked at again.

        Raises:
            EngineError: after `close`, or in a process forked from the one that opened it.
        """
        self._check()
        if self._stage.full:
            self._restart()
        self._stage.show(snapshot)
        planes = self._near_far(view)
        frame = Frame(
            np.empty((view.height, view.width, 3), np.uint8),
            np.empty((view.height, view.width), np.float32),
            np.empty((view.height, view.width), np.uint16),
            planes,
        )
        for tile in camera.tiles(view.width, view.height, self.largest_tile):
            self._draw(snapshot, view, tile, frame)
        return frame

    def _new_stage(self) -> Stage:
        return Stage(self._client, self._files, reach=self.reach, reuse=self.reuse)

    def _check(self) -> None:
        if self._client < 0:
            raise EngineError(f"the {self.name} renderer is closed; open another one")
        if os.getpid() != self._pid:
            raise EngineError(
                f"the {self.name} renderer was opened before a fork; start workers with spawn"
            )

    def _restart(self) -> None:
        self._disconnect()
        self._client = self._connect()
        self._stage = self._new_stage()

    def _near_far(self, view: View) -> tuple[float, float]:
        near, far = camera.near_far(view, self._stage.triangles(pose.inverse(view.X_WC)))
        if view.near_m is None and self._stage.encloses(view.X_WC[:3, 3]):
            near = camera.NEAREST_M
        return near, far

    def _draw(self, snapshot: Snapshot, view: View, tile: Tile, frame: Frame) -> None:
        near, far = frame.near_far_m
        rgba, depth, segmentation = self._shaded(snapshot.scene.look, view, tile, frame.near_far_m)
        rows = slice(tile.y, tile.y + tile.height)
        columns = slice(tile.x, tile.x + tile.width)
        metres(depth, near, far)
        nothing = segmentation < 0
        if nothing.any():
            red, green, blue = (round(255 * x) for x in snapshot.scene.look.backdrop.color)
            pixel = np.array([red, green, blue, 255], np.uint8).view(np.uint32)
            np.copyto(rgba.view(np.uint32)[..., 0], pixel, where=nothing)
            np.copyto(depth, np.float32(0), where=nothing)
        rgb = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)  # 50 times numpy's speed
        behind = backdrop.picture(snapshot.scene, view)
        if behind is not None:
            rgb = cv2.copyTo(behind[rows, columns], nothing.view(np.uint8), rgb)
        frame.rgb[rows, columns] = rgb
        frame.depth_m[rows, columns] = depth
        frame.instance[rows, columns] = np.take(self._stage.ids, segmentation, mode="wrap")

    def _shaded(self, look: Look, view: View, tile: Tile, near_far: tuple[float, float]) -> Shot:
        """Colour (H, W, 4), depth buffer and segmentation: as the engine draws, or relit."""
        shot = self._aimed(view, tile, near_far)
        if relight.nominal(look, shadows=self.shadows):
            return shot(self._light(light.direction(look.light), shadows=True))
        rgba, depth, segmentation = shot(self._light(relight.UP, shadows=False))

        def draw(direction: Vector, shadows: bool) -> NDArray[np.uint8]:
            asked = self._light(direction, shadows=shadows)
            rgba, _, _ = shot({"flags": pybullet.ER_NO_SEGMENTATION_MASK, **asked})
            return rgba

        rgb = relight.relit(look, rgba, draw, self.shading, shadows=self.shadows)
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA), np.uint8), depth, segmentation

    def _aimed(
        self, view: View, tile: Tile, near_far: tuple[float, float]
    ) -> Callable[[dict[str, Any]], Shot]:
        """Takes pictures of what stands on the stage, under any light."""
        scale, centre = self._stage.scale, self._stage.centre
        near, far = near_far
        X_SC = pose.pose(view.X_WC[:3, :3], scale * (view.X_WC[:3, 3] - centre))
        matrices = {
            "viewMatrix": camera.view_matrix(X_SC),
            "projectionMatrix": camera.projection(
                view.K, tile, (near * scale, far * scale), self.sample_offset
            ),
        }
        client = {"physicsClientId": self._client}

        def shot(asked: dict[str, Any]) -> Shot:
            picture = pybullet.getCameraImage(
                tile.width, tile.height, **matrices, **client, **asked
            )
            return picture[2], picture[3], picture[4]

        return shot

    def _connect(self) -> int:
        raise NotImplementedError

    def _disconnect(self) -> None:
        raise NotImplementedError

    def _light(self, direction: Vector, *, shadows: bool) -> dict[str, Any]:
        raise NotImplementedError


def metres(depth: NDArray[np.float32], near: float, far: float) -> None:
    """Depth z = n f / (f - (f - n) d) in metres, in place, for a buffer of d in 0..1."""
    np.multiply(depth, np.float32(1 / far - 1 / near), out=depth)
    np.add(depth, np.float32(1 / near), out=depth)
    np.reciprocal(depth, out=depth)
