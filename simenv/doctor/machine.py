"""Can this machine generate datasets? Libraries, versions, engines, and a picture to compare.

`python -m simenv.doctor` draws the golden pictures anew, for a change that is meant to alter them.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.engine import pybullet
from simenv.line import Line
from simenv.render.choose import open_renderer
from simenv.render.probe import probe_egl
from simenv.render.raster import probe_raster
from simenv.render.raster.context import WAY_OUT
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Body, Scene, Snapshot, View
from simenv.spec.look import Look
from simenv.spec.object import Box, Cylinder, Friction, ObjectModel, ObjectSpec, Primitive, Sphere
from simenv.spec.task import Capture, Physics
from simenv.system import LIBRARIES, Library

__all__ = ["examine", "golden_frame", "write_golden"]

GOLDEN = Path(__file__).parent.parent / "golden"
PACKAGES = ("numpy", "pybullet", "opencv-python", "h5py", "pydantic", "scipy", "isal")
MASK_SHARE = 2e-3  # of the pixels may differ: outlines are rounded to the driver's own grid
COLOR_LEVELS = 6.0  # mean difference in 0..255; drivers filter textures and shadows differently


def examine() -> Iterator[Line]:
    """What works here and what does not, one line each, as it is found out."""
    yield Line(
        "ok", f"Python {platform.python_version()} on {platform.platform()}, {_cores()} cores"
    )
    yield Line("ok", ", ".join(f"{name} {version(name)}" for name in ("simenv", *PACKAGES)))
    yield from map(_library, LIBRARIES)
    if not pybullet.isNumpyEnabled():
        yield Line(
            "FAIL",
            "PyBullet was built without NumPy: pip install --no-build-isolation --no-cache-dir "
            "--force-reinstall pybullet",
        )
        return
    probe = probe_egl()
    if probe.works:
        yield Line("ok", f"EGL: {probe.device}")
    else:
        yield Line("note", f"EGL: {probe.reason}; tiny takes over, several times slower")
    if missing := probe_raster():
        yield Line("note", f"raster: {missing}; {WAY_OUT}")
    there = {"egl": probe.works, "tiny": True, "raster": not missing}
    for name in (name for name, works in there.items() if works):
        with open_renderer(name) as renderer:
            yield _compare(renderer)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _library(library: Library) -> Line:
    if library.present:
        return Line("ok", f"{library.soname}: found")
    verdict = "FAIL" if library.required else "note"
    text = f"{library.soname}: missing ({library.purpose}); apt-get install {library.package}"
    return Line(verdict, text)


def _compare(renderer: Renderer) -> Line:
    """The golden scene as this machine draws it beside the committed picture."""
    frame = golden_frame(renderer)
    mask, rgb = _read("mask")[..., 0], _read(renderer.name)
    share = float(np.mean(frame.instance != mask))
    levels = float(np.abs(frame.rgb.astype(float) - rgb).mean())
    good = share <= MASK_SHARE and levels <= COLOR_LEVELS
    return Line(
        "ok" if good else "FAIL",
        f"{renderer.name}: golden picture: {100 * share:.2f} % of the mask and {levels:.1f} of 255 "
        f"colour levels off (at most {100 * MASK_SHARE:.1f} %, {COLOR_LEVELS:g})",
    )


def golden_frame(renderer: Renderer) -> Frame:
    """A box, a can and a ball on a table, 160x120."""
    K = np.array([[150.0, 0.0, 82.0], [0.0, 150.0, 57.5], [0.0, 0.0, 1.0]])
    view = View("golden", 160, 120, K, pose.look_at((0.3, -0.4, 0.35), (0, 0, 0.02)))
    scene = _golden_scene()
    X_WB = np.array([body.X_WB for body in scene.bodies])
    still = Snapshot(scene, 0.0, 0, 0.0, X_WB, np.zeros((len(X_WB), 6)))
    return renderer.render(still, view)


def _golden_scene() -> Scene:
    shapes: dict[str, tuple[Primitive, tuple[float, float, float], str | None]] = {
        "carton": (Box(shape="box", size_m=(0.1, 0.06, 0.05)), (-0.05, 0.04, 0.025), "cardboard"),
        "drum": (
            Cylinder(shape="cylinder", radius_m=0.03, length_m=0.08),
            (0.08, 0.03, 0.04),
            None,
        ),
        "ball": (Sphere(shape="sphere", radius_m=0.035), (0.0, -0.06, 0.035), None),
        "table": (Box(shape="box", size_m=(0.4, 0.3, 0.02)), (0.0, 0.0, -0.01), "wood"),
    }
    colors = {"drum": (0.2, 0.4, 0.8), "ball": (0.8, 0.25, 0.2)}
    return Scene(
        index=0,
        attempt=0,
        tier="core",
        gravity_m_s2=9.81,
        floor_z_m=None,
        floor_friction=Friction(),
        bodies=tuple(
            Body(
                id=row + 1,
                name=name,
                group="parts" if texture != "wood" else "tables",
                object=name,
                X_WB=pose.pose(p_AB=p),
                fixed=True,
                friction=Friction(),
                texture=texture,
                color=colors.get(name, (1.0, 1.0, 1.0)),
            )
            for row, (name, (_, p, texture)) in enumerate(shapes.items())
        ),
        objects={name: _model(name, shape) for name, (shape, _, _) in shapes.items()},
        belts=(),
        cameras=(),
        capture=Capture(),
        look=Look(),
        physics=Physics(),
    )


def _model(name: str, shape: Primitive) -> ObjectModel:
    spec = ObjectSpec.model_validate(
        {"name": name, "class": name, "mesh": (shape,), "collision": (shape,), "mass_kg": 0.0}
    )
    return ObjectModel(spec)


def _read(name: str) -> NDArray[np.uint8]:
    import cv2

    picture = cv2.imread(str(GOLDEN / f"{name}.png"), cv2.IMREAD_COLOR)
    assert picture is not None, f"{GOLDEN / name}.png is missing from the package"
    return np.asarray(picture[..., ::-1], dtype=np.uint8)


def write_golden() -> None:
    """Put this machine's pictures in the place of the golden ones."""
    import cv2

    for name in ("egl", "raster", "tiny"):
        with open_renderer(name) as renderer:
            frame = golden_frame(renderer)
        cv2.imwrite(str(GOLDEN / f"{name}.png"), frame.rgb[..., ::-1])
    cv2.imwrite(str(GOLDEN / "mask.png"), frame.instance.astype(np.uint8))
