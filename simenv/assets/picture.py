"""What an imported part looks like: seen from three sides, above its coloured collision hulls."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.assets.quality import diameter
from simenv.assets.trial import still_life
from simenv.mesh import Mesh
from simenv.pose import Matrix
from simenv.render.bullet_tiny import TinyRenderer
from simenv.scene import Scene, Snapshot, View
from simenv.spec.object import Box, ObjectModel, ObjectSpec

__all__ = ["picture"]

PIXELS = 320  # of the side of each view
SIDES = ((1.0, -1.4, 0.9), (-1.2, -0.4, 1.6), (0.5, 1.3, -0.9))  # where the views look from
FIELD_DEG = 30.0
ROOM = 1.08  # of the part's diameter that a view shows
GOLDEN = 0.618033988749895  # turn of the hue from hull to hull


def picture(model: ObjectModel) -> NDArray[np.uint8]:
    """Two rows of pictures, (2 H, 3 W, 3): the part, and what touches of it."""
    center = model.mesh.center
    X_WB = pose.pose(p_AB=-center)
    part = _snapshot(still_life({"part": (model, X_WB)}, floor=False))
    hulls = {
        f"hull_{k}": (_painted(surface, k), X_WB)
        for k, surface in enumerate(mesh.load_obj_groups(model.file("collision.obj")))
    }
    touching = _snapshot(still_life(hulls, floor=False))
    views = [_view(side, ROOM * diameter(model.mesh.vertices)) for side in SIDES]
    with TinyRenderer() as renderer:
        rows = [[renderer.render(s, view).rgb for view in views] for s in (part, touching)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)


def _snapshot(scene: Scene) -> Snapshot:
    X_WB = np.stack([body.X_WB for body in scene.bodies])
    return Snapshot(scene, 0.0, 0, 0.0, X_WB, np.zeros((len(X_WB), 6)))


def _view(side: tuple[float, float, float], width_m: float) -> View:
    away = np.array(side) / np.linalg.norm(side)
    far = width_m / 2 / np.sin(np.radians(FIELD_DEG / 2))
    focal = PIXELS / 2 / np.tan(np.radians(FIELD_DEG / 2))
    K = np.array([[focal, 0, (PIXELS - 1) / 2], [0, focal, (PIXELS - 1) / 2], [0, 0, 1]])
    X_WC: Matrix = pose.look_at(away * far, (0.0, 0.0, 0.0))
    return View("preview", PIXELS, PIXELS, K, X_WC)


def _painted(surface: Mesh, number: int) -> ObjectModel:
    """A fixture that has the surface of one hull, in a colour of its own."""
    color = colorsys.hsv_to_rgb(number * GOLDEN % 1.0, 0.55, 0.9)
    box = Box(shape="box", size_m=(1.0, 1.0, 1.0))
    spec = {"name": "hull", "class": "hull", "mesh": (box,), "collision": (box,), "mass_kg": 1.0}
    return ObjectModel(ObjectSpec.model_validate({**spec, "color": color}), surface=surface)
