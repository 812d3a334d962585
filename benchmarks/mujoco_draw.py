"""How MuJoCo draws a model: as its documentation shows it (`Plain`), and cheaply (`Lean`).

`Lean` takes two renders for colour, depth and instance: that is the least for which the public
interface has a way. ``MUJOCO_GL=egl`` must be set before this module is imported.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from benchmarks.mujoco_scene import Quality, picture_spec, quaternion_wxyz
from simenv.render.renderer import Frame
from simenv.scene import Snapshot, View

__all__ = ["LEAN_SHADOW_MAP", "Lean", "Plain", "Posed", "device"]

LEAN_SHADOW_MAP = 1024  # texels a side


class Drawing(Protocol):
    """Pictures of a model as it stands in ``data``."""

    def draw(self, data: Any, camera: str) -> Frame:
        """Colour, depth and instance."""
        ...


class Plain:
    """As the documentation does it: ``mujoco.Renderer``, three renders."""

    def __init__(self, model: Any, geom_ids: NDArray[np.uint16], *, size: tuple[int, int]) -> None:
        """``geom_ids`` (G,) is the id in the instance mask of each geom."""
        width, height = size
        self._renderer = mujoco.Renderer(model, height, width)
        self._ids = np.append(geom_ids, np.uint16(0))  # -1 is nothing
        self._near_far = _near_far(model)

    def draw(self, data: Any, camera: str) -> Frame:
        """Colour, depth and instance."""
        renderer = self._renderer
        renderer.update_scene(data, camera)
        rgb = renderer.render()
        renderer.enable_depth_rendering()
        depth_m = renderer.render()
        renderer.enable_segmentation_rendering()
        geoms = renderer.render()[..., 0]
        renderer.disable_segmentation_rendering()
        return Frame(rgb, depth_m, self._ids[geoms], self._near_far)


class Lean:
    """Two renders: colour; then ids, whose depth buffer is read along."""

    def __init__(
        self, model: Any, geom_ids: NDArray[np.uint16], *, size: tuple[int, int], shadows: bool
    ) -> None:
        """``geom_ids`` (G,) is the id in the instance mask of each geom."""
        width, height = size
        self._model, self._geom_ids, self._shadows = model, geom_ids, shadows
        self._gl = mujoco.GLContext(width, height)
        self._gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + 8)
        for flag in ("SHADOW", "REFLECTION", "HAZE", "SKYBOX", "FOG"):
            self._set(flag, False)
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._near_far = _near_far(model)
        self._below = np.empty((height, width, 3), np.uint8)  # OpenGL's rows go upwards
        self._depth = np.empty((height, width), np.float32)
        self._ids = np.zeros(0, np.uint16)

    def _set(self, flag: str, value: bool) -> None:
        self._scene.flags[getattr(mujoco.mjtRndFlag, f"mjRND_{flag}")] = value

    def draw(self, data: Any, camera: str) -> Frame:
        """Colour, depth and instance."""
        self._gl.make_current()
        self._camera.fixedcamid = self._model.camera(camera).id
        mujoco.mjv_updateScene(
            self._model,
            data,
            self._option,
            None,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL.value,
            self._scene,
        )
        rgb = self._colour()
        instance = self._instance()
        depth_m = np.empty_like(self._depth)
        cv2.flip(self._depth, 0, dst=depth_m)
        near, far = self._near_far
        np.multiply(depth_m, np.float32(1 / near - 1 / far), out=depth_m)  # 1 at near, 0 at far
        np.add(depth_m, np.float32(1 / far), out=depth_m)
        np.reciprocal(depth_m, out=depth_m)
        return Frame(rgb, depth_m, instance, self._near_far)

    def _colour(self) -> NDArray[np.uint8]:
        self._set("SHADOW", self._shadows)
        mujoco.mjr_render(self._rect, self._scene, self._context)
        mujoco.mjr_readPixels(self._below, None, self._rect, self._context)
        self._set("SHADOW", False)
        return np.asarray(cv2.flip(self._below, 0), np.uint8)

    def _instance(self) -> NDArray[np.uint16]:
        """Segment ids come as the three bytes of a colour; up to 255 geoms, one byte says all."""
        self._set("SEGMENT", True)
        self._set("IDCOLOR", True)
        mujoco.mjr_render(self._rect, self._scene, self._context)
        mujoco.mjr_readPixels(self._below, self._depth, self._rect, self._context)
        self._set("SEGMENT", False)
        self._set("IDCOLOR", False)
        if len(self._ids) != self._scene.ngeom + 1:
            self._ids = self._table()
        return np.take(self._ids, self._below[::-1, :, 0])

    def _table(self) -> NDArray[np.uint16]:
        """Id in the instance mask of each segment id; 0 is nothing."""
        geoms = self._scene.geoms[: self._scene.ngeom]
        assert len(geoms) < 256, "segment ids need more than one byte"
        table = np.zeros(len(geoms) + 1, np.uint16)
        for geom in geoms:
            if geom.segid >= 0:
                table[geom.segid + 1] = self._geom_ids[geom.objid]
        return table


def _near_far(model: Any) -> tuple[float, float]:
    extent = model.stat.extent
    return float(model.vis.map.znear * extent), float(model.vis.map.zfar * extent)


class Posed:
    """A renderer of snapshots of one scene, for one camera and one size."""

    def __init__(
        self,
        snapshot: Snapshot,
        view: View,
        near_far_m: tuple[float, float],
        way: str,
        shadow_map: int = LEAN_SHADOW_MAP,
    ) -> None:
        """``way``: default, lean, or bare (lean without shadows)."""
        quality = Quality() if way == "default" else Quality(0, shadow_map)
        scene = snapshot.scene
        self._model = picture_spec(scene, [view], near_far_m, quality).compile()
        self._data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, self._data)
        ids, size = (
            np.array([body.id for body in scene.bodies], np.uint16),
            (view.width, view.height),
        )
        self._drawing: Drawing
        if way == "default":
            self._drawing = Plain(self._model, ids, size=size)
        else:
            self._drawing = Lean(self._model, ids, size=size, shadows=way == "lean")

    def render(self, snapshot: Snapshot, view: View) -> Frame:
        """Poses in, pictures out."""
        for row in range(self._model.nmocap):
            X_WB = snapshot.X_WB[row]
            self._data.mocap_pos[row] = X_WB[:3, 3]
            self._data.mocap_quat[row] = quaternion_wxyz(X_WB)
        mujoco.mj_kinematics(self._model, self._data)
        return self._drawing.draw(self._data, view.camera)


def device() -> str:
    """What the driver of MuJoCo's current context says it is."""
    gl = importlib.import_module("OpenGL.GL")
    return f"{gl.glGetString(gl.GL_RENDERER).decode()} ({gl.glGetString(gl.GL_VERSION).decode()})"
