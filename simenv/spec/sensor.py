"""What a device makes of a clean picture. Everything here is visual: it moves no label.

One rule: what is not written is not simulated. The only exception is ``depth.shadow``, which no
device with a baseline is without. docs/sensors.md has the models, and examples of real devices.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from simenv.spec.model import Misplaced, Positive, Spec, Triple, Unit, Unsigned

__all__ = ["Defocus", "DepthSensor", "Noise", "RgbSensor", "Sensor"]

Stops = Annotated[float, Field(ge=-10, le=10)]
Kelvin = Annotated[float, Field(ge=1000, le=40000)]
Gain = Annotated[float, Field(gt=0, le=16)]
Gains = tuple[Gain, Gain, Gain]  # red, green, blue


class Defocus(Spec):
    """A thin lens; the pixel pitch follows from the camera's K, focal length over fx."""

    focal_length_mm: Annotated[float, Field(gt=0, le=1000)]
    f_number: Annotated[float, Field(ge=0.5, le=64)]
    focus_m: Positive
    """Distance of the plane that is sharp, along the camera's z."""

    @property
    def aperture_m(self) -> float:
        """Diameter of the entrance pupil."""
        return self.focal_length_mm * 1e-3 / self.f_number

    @model_validator(mode="after")
    def _in_front(self) -> Defocus:
        near = self.focal_length_mm * 1e-3
        if self.focus_m <= near:
            text = f"must be beyond the focal length, {near:g} m, got {self.focus_m}; raise it"
            raise Misplaced(("focus_m",), text)
        return self


class Noise(Spec):
    """A pixel in the terms of EMVA 1288: what a camera's data sheet says."""

    full_well_e: Annotated[float, Field(ge=10, le=1e7)]
    """Saturation capacity in electrons; white at gain 0."""
    read_noise_e: Unsigned
    """Temporal dark noise in electrons, one standard deviation."""
    bits: Annotated[int, Field(ge=4, le=16)] = 12
    """Of the analog-to-digital converter."""
    gain_db: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Of the amplifier: a picture as bright, of less light; white is full_well_e / gain."""
    prnu: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Spread of the pixels' sensitivity, one standard deviation (0.01 is 1 %)."""
    dsnu_e: Unsigned = 0.0
    """Spread of the pixels' dark signal in electrons, one standard deviation."""
    serial: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Which device of many alike: it fixes the pattern of prnu and dsnu for all frames."""


class RgbSensor(Spec):
    """A colour camera. The clean picture is what it shows with nothing written here."""

    exposure_ev: Stops = 0.0
    """Stops over the nominal exposure: +1 is twice the light."""
    exposure_s: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Time the shutter is open, around the frame's time: what moves is blurred. Not brightness."""
    natural_vignetting: Unit = 0.0
    """1: cos^4 of the angle off the axis; a lens corrected for it has less."""
    vignetting: Triple = (0.0, 0.0, 0.0)
    """a, b, c of the factor 1 + a r^2 + b r^4 + c r^6; r is 1 half a diagonal off the centre."""
    defocus: Defocus | None = None
    noise: Noise | None = None
    bayer: Literal["rggb", "bggr", "grbg", "gbrg"] | None = None
    """Colour filters over the pixels, first two rows from the corner; interpolated again."""
    white_balance_k: Kelvin = 6500.0
    """Temperature of the light that the camera shows as white."""
    white_balance_gains: Gains = (1.0, 1.0, 1.0)
    """Factors of red, green and blue on top of it; less green is a magenta tint."""
    gamma: Annotated[float, Field(ge=0.1, le=4)] | None = None
    """GenICam's: value = light^gamma, 1 is a linear picture. Default: the curve of sRGB."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] | None = None

    @property
    def needs_velocity(self) -> bool:
        """Whether the picture depends on how fast things move through it."""
        return self.exposure_s > 0

    @model_validator(mode="after")
    def _light_everywhere(self) -> RgbSensor:
        r2 = np.linspace(0, 1, 101)
        a, b, c = self.vignetting
        darkest = float((1 + r2 * (a + r2 * (b + r2 * c))).min())
        if darkest < 0:
            text = f"makes light negative, {darkest:.3g}, inside the picture; raise a, b or c"
            raise Misplaced(("vignetting",), text)
        return self


class DepthSensor(Spec):
    """A depth camera that triangulates: against a projector, or a second camera."""

    kind: Literal["structured_light", "stereo"]
    """Its light comes from the projector and falls with distance, or from the scene's lamps."""
    baseline_m: Annotated[float, Field(ge=-2, le=2)] = 0.05
    """Where the projector or the second camera is along the camera's x; negative is left."""
    shadow: bool = True
    """No reading where the projector or the second camera cannot see the surface."""
    sigma_d_px: Annotated[float, Field(ge=0, le=8)] = 0.0
    """Noise of the disparity, one standard deviation; depth has z^2 / (fx baseline) times it."""
    correlation_px: Annotated[float, Field(ge=0, le=32)] = 0.0
    """Neighbours err alike: standard deviation of the Gaussian over which the noise is smooth."""
    sigma_angle_m: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    """Adds sigma_angle_m / sqrt(z) * (t / (pi/2 - t))^2 at angle t off the normal."""
    disparity_step_px: Annotated[float, Field(ge=0, le=4)] = 0.0
    """Disparity comes in multiples of this: 1/8 of Kinect v1, 1/32 of D400."""
    jitter_px: Annotated[float, Field(ge=0, le=8)] = 0.0
    """A pixel looks this far beside itself, one standard deviation: ragged edges."""
    window_px: Annotated[int, Field(ge=1, le=63)] = 1
    """Side of the matching window: near things grow by half of it, rounded down."""
    flying: Unit = 0.0
    """Share of the pixels on an edge that read something between near and far."""
    grazing_deg: Annotated[float, Field(gt=0, le=90)] = 90.0
    """Surfaces seen at a larger angle off their normal give no reading; half of them at it."""
    min_return: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Half of the pixels that send less light back give no reading; 1 is white paper at 1 m."""
    max_luminance: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Linear luminance above which the pixels are blinded: glints. 1: none."""
    min_contrast: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Half of the pixels with less relative contrast in 9 x 9 px cannot be matched; stereo only."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the pixels that have no reading for no reason."""
    dropout_px: Annotated[float, Field(ge=0, le=32)] = 0.0
    """They come in specks: standard deviation of the Gaussian that shapes them. 0: single ones."""
    min_m: Unsigned = 0.0
    max_m: Positive | None = None

    @model_validator(mode="after")
    def _consistent(self) -> DepthSensor:
        if self.baseline_m == 0:
            text = "must not be 0, nothing could be triangulated; write for example 0.05"
            raise Misplaced(("baseline_m",), text)
        if self.min_contrast and self.kind != "stereo":
            text = f"works for kind stereo only: {self.kind} brings its own pattern; remove it"
            raise Misplaced(("min_contrast",), text)
        if self.max_m is not None and self.min_m >= self.max_m:
            text = f"must be below max_m {self.max_m}, got {self.min_m}; lower it"
            raise Misplaced(("min_m",), text)
        return self


class Sensor(Spec):
    """The devices of a camera; what is not given is not simulated and costs nothing."""

    rgb: RgbSensor | None = None
    depth: DepthSensor | None = None
