"""How MuJoCo draws a simenv scene: the same meshes, textures, poses, light and camera.

`Plain` draws as MuJoCo's documentation shows it, `Lean` as cheaply as its public interface allows
for the same three pictures. ``MUJOCO_GL=egl`` must be set before this module is imported.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.mesh import Mesh
from simenv.pose import Matrix
from simenv.render import light, texture
from simenv.render.meshfile import texture_source
from simenv.render.renderer import Frame
from simenv.scene import Body, Scene, Snapshot, View
from simenv.spec.look import Light
from simenv.spec.object import ObjectModel

__all__ = [
    "DRAWN",
    "HIDDEN",
    "Lean",
    "Plain",
    "Posed",
    "Quality",
    "add_camera",
    "add_light",
    "add_material",
    "add_surface",
    "device",
    "new_spec",
    "quaternion_wxyz",
]

EXTENT_M = 1.0  # MuJoCo's unit for clipping planes and shadow maps: then its numbers are metres
SHADOW_REACH_M = 1.2  # half-width of the shadow map, which a far light lays about its own place
LIGHT_DISTANCE_M = 2.0
LEAN_SHADOW_MAP = 1024  # texels a side
DRAWN, HIDDEN = 0, 4  # geom groups: MuJoCo draws 0, 1 and 2 unless told otherwise


@dataclass(frozen=True)
class Quality:
    """What MuJoCo calls visual quality; the defaults are its own."""

    offsamples: int = 4
    shadow_size: int = 4096


def quaternion_wxyz(X_AB: Matrix) -> NDArray[np.float64]:
    """MuJoCo's order."""
    return np.roll(pose.quaternion(X_AB), 1)


def new_spec(near_far_m: tuple[float, float], quality: Quality) -> Any:
    """An empty model description with clipping planes in metres."""
    spec = mujoco.MjSpec()
    spec.stat.extent, spec.stat.center = EXTENT_M, [0.0, 0.0, 0.4]
    visual = spec.visual
    visual.map.znear, visual.map.zfar = (x / EXTENT_M for x in near_far_m)
    visual.map.shadowclip = SHADOW_REACH_M / EXTENT_M
    visual.quality.offsamples, visual.quality.shadowsize = quality.offsamples, quality.shadow_size
    visual.headlight.ambient, visual.headlight.diffuse = [0.4] * 3, [0.0] * 3
    visual.headlight.specular = [0.0] * 3
    return spec


def add_light(spec: Any, lamp: Light, *, casts: bool) -> None:
    """A far light."""
    towards = light.direction(lamp)
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=np.array([0.0, 0.0, 0.4]) + LIGHT_DISTANCE_M * towards,
        dir=-towards,
        castshadow=casts,
        diffuse=[0.6] * 3,
        specular=[0.0] * 3,
    )


def add_camera(spec: Any, view: View) -> None:
    """A pinhole for `View`; MuJoCo's camera looks along -z with y up.

    MuJoCo measures the principal point from the image's middle, leftwards and upwards: with these
    signs the pictures agree with the EGL plugin's to the pixel.
    """
    (fx, _, cx), (_, fy, cy) = view.K[:2]
    X_WC = view.X_WC @ np.diag([1.0, -1.0, -1.0, 1.0])
    spec.worldbody.add_camera(
        name=view.camera,
        pos=X_WC[:3, 3],
        quat=quaternion_wxyz(X_WC),
        resolution=[view.width, view.height],
        sensor_size=[1e-3 * view.width, 1e-3 * view.height],  # any; it cancels
        focal_pixel=[fx, fy],
        principal_pixel=[(view.width - 1) / 2 - cx, (view.height - 1) / 2 - cy],
    )


def add_surface(spec: Any, name: str, surface: Mesh) -> None:
    """A mesh to be seen, with its normals and texture coordinates (v downwards in MuJoCo)."""
    faces = surface.faces.ravel().tolist()
    spec.add_mesh(
        name=name,
        uservert=surface.vertices.ravel().tolist(),
        usernormal=surface.normals.ravel().tolist(),
        usertexcoord=(surface.uvs * (1.0, -1.0) + (0.0, 1.0)).ravel().tolist(),
        userface=faces,
        userfacenormal=faces,
        userfacetexcoord=faces,
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,  # of no use; works for any mesh
    )


def add_material(spec: Any, model: ObjectModel, body: Body) -> str:
    """The colour and texture of a body; made once."""
    source = texture_source(model, body.texture)
    name = f"{source}/{body.color}"
    if spec.material(name) is None:
        material = spec.add_material(name=name, rgba=[*body.color, 1.0], specular=0.0)
        if source is not None:
            add_texture(spec, str(source), source)
            material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = str(source)
    return name


def add_texture(spec: Any, name: str, source: str | Path) -> None:
    """A picture; made once."""
    if spec.texture(name) is not None:
        return
    image = texture.make(source) if isinstance(source, str) else _read(source)
    picture = spec.add_texture(
        name=name,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=image.shape[1],
        height=image.shape[0],
        nchannel=3,
    )
    picture.data = image.tobytes()


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert image is not None, f"{path}: not a picture"
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)


def posed_spec(scene: Scene, view: View, near_far_m: tuple[float, float], quality: Quality) -> Any:
    """A model of ``scene`` without physics: geom row = body row; parts can be put anywhere."""
    spec = new_spec(near_far_m, quality)
    add_light(spec, scene.look.light, casts=scene.look.light.shadow > 0)
    add_camera(spec, view)
    for body in scene.bodies:
        model = scene.objects[body.object]
        if spec.mesh(body.object) is None:
            add_surface(spec, body.object, model.mesh)
        quat = quaternion_wxyz(body.X_WB)
        member = spec.worldbody.add_body(
            name=body.name, pos=body.X_WB[:3, 3], quat=quat, mocap=not body.fixed
        )
        member.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=body.object,
            material=add_material(spec, model, body),
            contype=0,
            conaffinity=0,
            group=DRAWN,
        )
    spec.visual.global_.offwidth, spec.visual.global_.offheight = view.width, view.height
    return spec


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
        self._model = posed_spec(scene, view, near_far_m, quality).compile()
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
