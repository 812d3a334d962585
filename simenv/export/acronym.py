"""ACRONYM's HDF5: what grasp networks of point clouds are trained on. See docs/export.md.

The names are those that github.com/NVlabs/acronym (acronym_tools/acronym.py) reads, and that its
example files have. Its frame stands where the gripper is mounted, z the approach, x the closing
direction: panda_hand's origin, 0.1034 m behind the point between the pads, with G's axes.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.dataset.hdf5 import in_memory
from simenv.errors import InputError
from simenv.export.folder import Folder
from simenv.export.grasps import GraspSource, Tried
from simenv.spec.catalog import load_object
from simenv.spec.object import ObjectModel

__all__ = ["KINDS", "frames", "write"]

KINDS = ("jaw",)
HELD_SHARE = 0.5  # of the trials that must have held for ACRONYM's one bit to be 1
SAME_M = 1e-6  # how far the bounding boxes of a file and of the catalog's object may differ


def write(source: GraspSource, folder: Folder) -> int:
    """Write ``grasps/*.h5`` and ``meshes/*.obj``; how many grasps they have."""
    count = 0
    for tried in source:
        name = f"meshes/{tried.object}.obj"
        folder.write(name, tried.mesh)
        folder.write(f"grasps/{tried.name}.h5", _image(_values(tried, name)))
        count += len(tried.rows)
    return count


def frames(tried: Tried) -> NDArray[np.float64]:
    """(M, 4, 4) ACRONYM's frame in that of the object."""
    back = pose.pose(p_AB=(0.0, 0.0, -tried.hand.reach_m))
    return np.asarray(tried.grasps.X_BG[tried.rows] @ back)


def _values(tried: Tried, mesh_name: str) -> dict[str, Any]:
    """Path -> value."""
    grasps, rows = tried.grasps, tried.rows
    probability = grasps.success_probability[rows]
    hand_open = list(tried.hand.joints(np.inf).values())[:1]
    flex = "grasps/qualities/flex"
    measured = {
        "object_in_gripper": (probability >= HELD_SHARE).astype(np.int64),
        "object_motion_during_closing_angular": np.full(len(rows), np.nan),
        "object_motion_during_closing_linear": grasps.motion_m[rows].astype(np.float64),
        "object_motion_during_shaking_angular": grasps.turn_rad[rows].astype(np.float64),
        "object_motion_during_shaking_linear": grasps.slip_m[rows].astype(np.float64),
    }
    more = {  # beside what ACRONYM has
        "success_probability": probability,
        "interval": grasps.interval[rows],
        "trials": grasps.trials[rows],
        "quality": grasps.quality[rows],
        "width_m": grasps.width_m[rows],
        "opening_m": grasps.opening_m[rows],
        "reach_m": tried.hand.reach_m,
    }
    return {
        "grasps/transforms": frames(tried),
        **{f"{flex}/{name}": values for name, values in measured.items()},
        "gripper/type": grasps.gripper,
        "gripper/configuration": np.array(hand_open),
        **{f"object/{name}": value for name, value in _object(tried, mesh_name).items()},
        **{f"simenv/{name}": values for name, values in more.items()},
    }


def _object(tried: Tried, mesh_name: str) -> dict[str, Any]:
    model = _model(tried)
    com, inertia = model.mass_properties
    volume, _, _ = mesh.mass_properties(model.mesh)
    return {
        "file": mesh_name,
        "scale": 1.0,
        "mass": model.spec.mass_kg,
        "com": com,
        "inertia": inertia,
        "volume": volume,
        "density": model.spec.mass_kg / volume,
        "friction": model.spec.friction.lateral,
    }


def _model(tried: Tried) -> ObjectModel:
    """The object of the catalog: only it knows mass and friction.

    Raises:
        InputError: there is none, or it is not what the grasps are of.
    """
    model = load_object(tried.object, near=tried.path.absolute().parent)
    if np.abs(_bounds(model.mesh.vertices) - _bounds(tried.file.vertices)).max() > SAME_M:
        raise InputError(
            f"{tried.path}: {tried.object} has another size in the catalog by now; "
            "make its grasps again"
        )
    return model


def _bounds(vertices: NDArray[Any]) -> NDArray[np.float64]:
    return np.stack([vertices.min(axis=0), vertices.max(axis=0)]).astype(np.float64)


def _image(values: dict[str, Any]) -> memoryview:
    image = BytesIO()
    with in_memory(image) as file:
        for name, value in values.items():
            file.create_dataset(name, data=value)
    return image.getbuffer()
