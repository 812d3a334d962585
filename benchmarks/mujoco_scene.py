"""How a simenv scene is told to MuJoCo: the same meshes, textures, poses, light and cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.mesh import Mesh
from simenv.pose import Matrix
from simenv.render import light, texture
from simenv.render.meshfile import texture_source
from simenv.scene import Body, Scene, View
from simenv.spec.look import Light
from simenv.spec.object import ObjectModel

__all__ = ["HIDDEN", "Quality", "add_surface", "picture_spec", "quaternion_wxyz"]

EXTENT_M = 1.0  # MuJoCo's unit for clipping planes and shadow maps: then its numbers are metres
SHADOW_REACH_M = 1.2  # half-width of the shadow map, which a far light lays about its own place
LIGHT_DISTANCE_M = 2.0
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


def picture_spec(
    scene: Scene, views: Sequence[View], near_far_m: tuple[float, float], quality: Quality
) -> Any:
    """A model of ``scene`` without physics: geom row = body row; parts can be put anywhere."""
    spec = new_spec(near_far_m, quality)
    add_light(spec, scene.look.light, casts=scene.look.light.shadow > 0)
    for view in views:
        add_camera(spec, view)
    spec.visual.global_.offwidth = max(view.width for view in views)
    spec.visual.global_.offheight = max(view.height for view in views)
    for key, model in scene.objects.items():
        add_surface(spec, key, model.mesh)
    for body in scene.bodies:
        member = spec.worldbody.add_body(
            name=body.name,
            pos=body.X_WB[:3, 3],
            quat=quaternion_wxyz(body.X_WB),
            mocap=not body.fixed,
        )
        member.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=body.object,
            material=add_material(spec, scene.objects[body.object], body),
            contype=0,
            conaffinity=0,
            group=DRAWN,
        )
    return spec
