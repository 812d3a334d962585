"""How much light reaches each pixel: the fall-off towards the corners."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv import lens
from simenv.scene import View
from simenv.spec.sensor import RgbSensor

__all__ = ["falloff"]

Key = tuple[float, ...]


def falloff(view: View, spec: RgbSensor) -> NDArray[np.float32]:
    """(H, W, 1) factors of the light, or (1,) ones where the lens has no fall-off.

    Natural fall-off is cos^4 of the angle of the ray off the axis (Kingslake, "Optics in
    Photography", 1992), to the power ``natural_vignetting``. The rest is an even polynomial of the
    distance from the principal point (Goldman, "Vignette and Exposure Calibration and
    Compensation", PAMI 32(12), 2010).
    """
    if not spec.natural_vignetting and not any(spec.vignetting):
        return np.ones(1, dtype=np.float32)
    K = tuple(view.K.ravel().tolist())
    bent = None if view.distortion is None else tuple(view.distortion.tolist())
    return _falloff(
        (view.width, view.height), K, bent, spec.natural_vignetting, tuple(spec.vignetting)
    )


@lru_cache(maxsize=4)
def _falloff(
    size: tuple[int, int], K: Key, distortion: Key | None, natural: float, polynomial: Key
) -> NDArray[np.float32]:
    factor = _polynomial(size, K, polynomial)
    if natural:
        bent = None if distortion is None else np.array(distortion)
        xy = lens.rays(*size, np.array(K).reshape(3, 3), bent)
        cos2 = 1 / (1 + (xy**2).sum(axis=-1))
        factor = factor * np.nan_to_num(cos2) ** (2 * natural)
    kept = factor.astype(np.float32)[..., None]
    kept.setflags(write=False)
    return kept


def _polynomial(size: tuple[int, int], K: Key, polynomial: Key) -> NDArray[np.float64]:
    width, height = size
    v, u = np.mgrid[:height, :width]
    r2 = ((u - K[2]) ** 2 + (v - K[5]) ** 2) / ((width**2 + height**2) / 4)
    a, b, c = polynomial
    factor: NDArray[np.float64] = np.clip(1 + r2 * (a + r2 * (b + r2 * c)), 0, None)
    return factor
