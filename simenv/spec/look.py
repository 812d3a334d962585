"""What the picture looks like, and no label depends on: lights, ambient light, backdrop."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from simenv.spec.model import Color, Name, Spec, Unit, Unsigned

__all__ = [
    "PROCEDURAL_TEXTURES",
    "Ambient",
    "Backdrop",
    "Light",
    "Look",
    "ProceduralTexture",
]

ProceduralTexture = Literal[
    "rubber",
    "green_pvc",
    "concrete",
    "wood",
    "plastic",
    "steel",
    "cardboard",
    "checker",
    "noise",  # from here on like nothing real: for backdrops, distractors, randomised surfaces
    "stripes",
    "terrazzo",
    "shapes",
    "gradient",
]
PROCEDURAL_TEXTURES: tuple[str, ...] = get_args(ProceduralTexture)

Kelvin = Annotated[float, Field(ge=1000, le=40000)]


class Light(Spec):
    """A far light, such as a lamp on the ceiling: where it comes from, its level, colour, size."""

    elevation_deg: Annotated[float, Field(ge=1, le=90)] = 60.0
    """Above the horizon."""
    azimuth_deg: float = 30.0
    """From world +x."""
    intensity: Unsigned = 1.0
    """Times the nominal light."""
    temperature_k: Kelvin = 6500.0
    """Of a black body; 6500 is white."""
    color: Color = (1.0, 1.0, 1.0)
    """Multiplies the colour of the temperature."""
    softness_deg: Annotated[float, Field(ge=0, le=30)] = 0.0
    """Angular radius of the lamp as the scene sees it; shadows blur with it (the sun: 0.27)."""
    shadow: Unit = 1.0
    """How much of this light a shadow takes away; 0: it casts none."""


class Ambient(Spec):
    """The light that comes from everywhere."""

    intensity: Unsigned = 1.0
    temperature_k: Kelvin = 6500.0
    color: Color = (1.0, 1.0, 1.0)


class Backdrop(Spec):
    """What is seen where there is no surface."""

    color: Color = (0.7, 0.7, 0.7)
    """Alone, or multiplying the texture or image."""
    texture: ProceduralTexture | None = None
    image: str | None = None
    """A PNG or JPEG file beside the task file; scaled to cover the picture."""


class Look(Spec):
    """What changes the picture and, by construction, no label."""

    light: Light = Light()
    """The key light."""
    lights: dict[Name, Light] = {}
    """Further ones."""
    ambient: Ambient = Ambient()
    backdrop: Backdrop = Backdrop()
    supersample: Annotated[int, Field(ge=1, le=4)] = 1
    """Samples along each side of a pixel's colour; masks and depth stay hard. Renderer raster."""
