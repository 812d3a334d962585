"""The chain of a depth camera that triangulates: what it looks at, what it measures, what it loses.

Disparity is d = fx b / z, so an error of sigma_d pixels is one of z^2 / (fx b) sigma_d metres
(Khoshelham and Elberink, "Accuracy and Resolution of Kinect Depth Data", Sensors 12(2), 2012).

    shadow -> window -> flying pixels -> jitter -> noise -> steps -> drop-out -> range
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simenv.render.renderer import Frame
from simenv.scene import View
from simenv.sensor import dropout
from simenv.sensor.disparity import measured
from simenv.sensor.edge import fattened, flown, jittered
from simenv.sensor.shadow import hidden
from simenv.sensor.slant import cosine
from simenv.spec.sensor import DepthSensor

__all__ = ["depth_picture"]

Depth = NDArray[np.float32]  # (H, W) metres along camera z, 0 = no reading


def depth_picture(frame: Frame, view: View, spec: DepthSensor, rng: np.random.Generator) -> Depth:
    """What the device makes of ``frame``, (H, W) metres along camera z, 0 = no reading.

    A ``spec`` that says nothing but ``shadow: false`` gives the clean depth, bit for bit. The same
    state of ``rng`` gives the same bits on one machine. Devices give rectified pictures: with a
    distorted lens the rows are taken as if they were epipolar lines, which is an approximation.
    """
    fb = float(view.K[0, 0]) * spec.baseline_m  # pixels times metres
    clean = frame.depth_m
    depth = clean.copy()
    if spec.shadow:
        depth[hidden(clean, fb, one_field=spec.kind == "stereo")] = 0
    depth = fattened(depth, spec.window_px, abs(fb))
    depth = flown(depth, spec.flying, abs(fb), rng)
    depth = jittered(depth, spec.jitter_px, rng)
    slant = cosine(frame, view) if _needs_slant(spec) else None
    depth = measured(depth, abs(fb), spec, slant, rng)
    for lost in _lost(frame, spec, slant, rng):
        depth[lost] = 0
    depth[depth < spec.min_m] = 0
    if spec.max_m is not None:
        depth[depth > spec.max_m] = 0
    return depth


def _needs_slant(spec: DepthSensor) -> bool:
    lit_by_projector = spec.kind == "structured_light" and spec.min_return > 0
    return spec.grazing_deg < 90 or spec.sigma_angle_m > 0 or lit_by_projector


def _lost(
    frame: Frame, spec: DepthSensor, slant: Depth | None, rng: np.random.Generator
) -> Iterator[NDArray[np.bool_]]:
    """The pixels (H, W) that have no reading, cause by cause."""
    if spec.grazing_deg < 90:
        assert slant is not None
        yield dropout.grazing(slant, spec.grazing_deg, rng)
    if spec.min_return or spec.max_luminance < 1 or spec.min_contrast:
        yield from dropout.by_light(frame, spec, slant, rng)
    if spec.dropout:
        yield dropout.specks(
            (frame.rgb.shape[0], frame.rgb.shape[1]), spec.dropout, spec.dropout_px, rng
        )
