"""What a device makes of a clean picture. Everything here is visual: it moves no label."""

from __future__ import annotations

from typing import Literal

from simenv.spec.model import Positive, Spec

__all__ = ["DepthSensor", "RgbSensor", "Sensor"]


class RgbSensor(Spec):
    """A colour camera."""

    exposure_ev: float = 0.0
    """Stops over the nominal exposure."""


class DepthSensor(Spec):
    """A depth camera."""

    kind: Literal["structured_light", "stereo"]
    baseline_m: Positive = 0.05


class Sensor(Spec):
    """The devices of a camera; what is not given is not simulated and costs nothing."""

    rgb: RgbSensor | None = None
    depth: DepthSensor | None = None
