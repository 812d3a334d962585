"""Clean pictures made by hand: a view, walls, an edge between near and far."""

import numpy as np
from numpy.typing import NDArray

from simenv.render.renderer import Frame
from simenv.scene import View

FX = 600.0


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def view(width: int = 160, height: int = 120, fx: float = FX) -> View:
    """A pinhole camera whose axis goes through the middle of the picture."""
    K = np.array([[fx, 0, (width - 1) / 2], [0, fx, (height - 1) / 2], [0, 0, 1]])
    return View("hand", width, height, K, np.eye(4))


def frame(
    depth_m: NDArray[np.float32], rgb: NDArray[np.uint8] | None = None, gray: int = 128
) -> Frame:
    """A picture of ``depth_m``, all of one gray if not of ``rgb``; no normals."""
    if rgb is None:
        rgb = np.full((*depth_m.shape, 3), gray, dtype=np.uint8)
    instance = (depth_m > 0).astype(np.uint16)
    return Frame(rgb, depth_m, instance, (0.1, 10.0))


def wall(z: float, seen: View) -> NDArray[np.float32]:
    """A wall across the axis, ``z`` metres away."""
    return np.full((seen.height, seen.width), z, dtype=np.float32)


def plane(normal: tuple[float, float, float], z: float, seen: View) -> NDArray[np.float32]:
    """A plane with ``normal`` through the axis at ``z``: n . (x, y, 1) depth = n_z z."""
    v, u = np.mgrid[: seen.height, : seen.width]
    x = (u - seen.K[0, 2]) / seen.K[0, 0]
    y = (v - seen.K[1, 2]) / seen.K[1, 1]
    n = np.array(normal)
    return np.asarray(n[2] * z / (n[0] * x + n[1] * y + n[2]), dtype=np.float32)


def linear(shown: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Light of sRGB values, written out once more (IEC 61966-2-1)."""
    s = shown / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
