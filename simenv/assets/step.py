"""What a STEP file says: cascadio (OpenCASCADE) turns its surfaces into triangles."""

from __future__ import annotations

import tempfile
from pathlib import Path

from simenv.assets.gltf import read_gltf
from simenv.assets.soup import Soup
from simenv.errors import InputError

__all__ = ["read_step"]

CHORD = 1e-3  # of an edge's length: how far a triangle may be from the true surface
ANGLE_RAD = 0.2  # between the normals of neighbours: a circle becomes some 32 corners


def read_step(path: Path) -> Soup:
    """The solids as one triangle mesh, in metres: STEP files say their unit.

    Raises:
        InputError: cascadio is missing, or finds no solid.
    """
    try:
        import cascadio
    except ImportError:
        raise InputError("STEP needs another library: `pip install simenv[step]`") from None
    with tempfile.TemporaryDirectory() as folder:
        glb = Path(folder) / "step.glb"
        status = cascadio.step_to_glb(
            str(path), str(glb), CHORD, ANGLE_RAD, tol_relative=True, use_parallel=False
        )
        if status != 0 or not glb.is_file():
            raise InputError("has no solid that cascadio can read; export it again as AP214")
        return read_gltf(glb)
