"""How a look that an engine cannot draw is composed from pictures that it can.

PyBullet's engines know one white lamp of fixed level, and what they make of it is known: a picture
is ``albedo (a + b n.l)``, with one pair a, b where the lamp shines and another where it does not.
So two pictures lit from opposite sides, without shadows, give the albedo and n.l of both lamps; a
third, with shadows, what the lamp reaches. Surfaces are then lit anew, in linear light:

    albedo (ambient (ground .. sky) + sum over lamps of rgb max(n.l, 0) (1 - shadow (1 - reached)))

EGL's pictures also have highlights, of an eye that never moves. Whatever faces away from the lamp
has none, so n.l is read there, and albedo is the least that two pairs of lamps tell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from simenv.pose import Vector
from simenv.render import light
from simenv.spec.look import Light, Look

__all__ = ["LAMP_POINTS", "UP", "Draw", "Shading", "lamp_points", "nominal", "relit"]

Image = NDArray[np.uint8]  # (H, W, 3 or more) as the engine shows it
Field = NDArray[np.float32]  # (H, W)
Draw = Callable[[Vector, bool], Image]  # (direction to the lamp, with shadows) -> picture

# One degree off the vertical: upright walls would be lit from both sides. No wall is built so.
UP = light.direction(Light(elevation_deg=89.0, azimuth_deg=12.345))
LAMP_POINTS = 8  # pictures that a soft lamp's shadow is averaged from
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))  # between neighbours of a sunflower's seeds
STEEP_DEG = 45.0  # elevation above which highlights overlap with those of a lamp straight above
ASIDE_DEG = 25.0  # elevation of a lamp whose highlights do not; level floors need some
FINE = 16  # steps of a grey level in which albedo is looked up


@dataclass(frozen=True)
class Shading:
    """An engine's picture is albedo (a + b n.l): ``lit`` is (a, b) where the lamp is seen.

    ``unlit`` holds where the surface faces away from the lamp or lies in a shadow.
    """

    lit: tuple[float, float]
    unlit: tuple[float, float]
    highlights: bool = False  # whether lit surfaces also have some, which are too bright

    def slope(self, lit: Field, unlit: Field) -> Field:
        """abs(n.l) from a surface's picture over its albedo, lit from ahead and from behind."""
        (a, b), (c, d) = (_row(pair) for pair in (self.lit, self.unlit))
        found = (c - unlit) / d if self.highlights else (lit - a) / b
        return np.asarray(np.clip(found, 0, 1))


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What is seen, freed from the lamp."""

    albedo: NDArray[np.float32]  # (H, W, 3) linear RGB 0..1
    grey: Field  # sum of the channels of the albedo as the engine shows it, 0..765
    up: Field  # vertical part of the normal, -1..1


def nominal(look: Look, *, shadows: bool = True) -> bool:
    """Whether the engine's own light is what ``look`` asks for; else it is composed.

    Where the engine has no shadows, what they should be like does not matter.
    """
    key = look.light
    hard = (key.softness_deg, key.shadow) == (0.0, 1.0)
    white = bool((light.rgb(key) == 1).all() and (light.rgb(look.ambient) == 1).all())
    return white and not look.lights and (hard or not shadows)


def relit(look: Look, above: Image, draw: Draw, shading: Shading, *, shadows: bool) -> Image:
    """The picture (H, W, 3) under ``look``, of ``above``, which is lit from UP without shadows."""
    draw = _once(draw)
    pairs = [(above, draw(-UP, False))]
    if shading.highlights:
        aside = _aside(look.light)
        pairs.append((draw(aside, False), draw(-aside, False)))
    seen = _surfaces(pairs, shading)
    level = light.GROUND + (1 - light.GROUND) * (0.5 + 0.5 * seen.up)
    linear = level[..., None] * _row(light.AMBIENT * light.rgb(look.ambient))
    for lamp in (look.light, *look.lights.values()):
        rgb = light.KEY * light.rgb(lamp)
        if rgb.any():
            linear += _received(lamp, seen, draw, shading, shadows)[..., None] * _row(rgb)
    return light.encode(np.multiply(linear, seen.albedo, out=linear))


def lamp_points(lamp: Light) -> NDArray[np.float64]:
    """Unit vectors (P, 3) towards points spread evenly over the lamp's disc; one if it is small."""
    centre = light.direction(lamp)
    if lamp.softness_deg == 0:
        return centre[None]
    k = np.arange(LAMP_POINTS)
    radius = np.tan(np.radians(lamp.softness_deg)) * np.sqrt((k + 0.5) / LAMP_POINTS)
    side = np.cross(np.eye(3)[np.argmin(np.abs(centre))], centre)
    side /= np.linalg.norm(side)
    x, y = radius * np.cos(k * GOLDEN_ANGLE), radius * np.sin(k * GOLDEN_ANGLE)
    points = centre + x[:, None] * side + y[:, None] * np.cross(centre, side)
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def _once(draw: Draw) -> Draw:
    """``draw`` that keeps its pictures."""
    taken: dict[tuple[bytes, bool], Image] = {}

    def kept(direction: Vector, shadows: bool) -> Image:
        key = (direction.tobytes(), shadows)
        if key not in taken:
            taken[key] = draw(direction, shadows)
        return taken[key]

    return kept


def _aside(key: Light) -> Vector:
    """Direction (3,) of a lamp whose highlights are not where a lamp straight above has its own.

    The key lamp's, which is needed anyway, unless it is steep.
    """
    steep = key.elevation_deg > STEEP_DEG
    return _towards(key.model_copy(update={"elevation_deg": ASIDE_DEG}) if steep else key)[0]


def _towards(lamp: Light) -> tuple[Vector, float]:
    """Direction (3,) to the lamp's middle, and the mean n.l over its points for one there."""
    mean = lamp_points(lamp).mean(axis=0)
    length = float(np.linalg.norm(mean))
    return mean / length, length


def _surfaces(pairs: list[tuple[Image, Image]], shading: Shading) -> Surfaces:
    """Of pictures lit from opposite sides; in the first pair, from above and below."""
    shown = _shown(*pairs[0], shading)
    for pair in pairs[1:]:
        shown = cv2.min(shown, _shown(*pair, shading)).astype(np.uint16, copy=False)
    grey = np.maximum(_sum(shown) / np.float32(FINE), np.float32(1))
    top, bottom = (_sum(picture) / grey for picture in pairs[0])
    steep = shading.slope(np.maximum(top, bottom), np.minimum(top, bottom))
    albedo = _fine_linear()[np.minimum(shown, 255 * FINE)]
    return Surfaces(albedo, grey, np.copysign(steep, top - bottom))


def _shown(one: Image, other: Image, shading: Shading) -> NDArray[np.uint16]:
    """Albedo (H, W, 3) as the engine shows it, in steps of 1 / FINE.

    From lit = albedo (a + b s) and unlit = albedo (c - d s), where s = abs(n.l).
    """
    (a, b), (c, d) = shading.lit, shading.unlit
    lit, unlit = cv2.max(one, other), cv2.min(one, other)
    of_lit, of_unlit = FINE * d / (a * d + b * c), FINE * b / (a * d + b * c)
    both = cv2.addWeighted(lit, of_lit, unlit, of_unlit, 0, dtype=cv2.CV_16U)
    return both[..., :3].astype(np.uint16, copy=False)


def _received(lamp: Light, seen: Surfaces, draw: Draw, shading: Shading, shadows: bool) -> Field:
    """max(n.l, 0) of each pixel times how much of the lamp reaches it (H, W)."""
    middle, length = _towards(lamp)
    side = -1 if shading.highlights else 1
    picture = _sum(draw(side * middle, False)) / seen.grey
    facing = shading.slope(picture, picture)
    if lamp.shadow == 0 or not shadows:
        return facing
    (a, b), (c, d) = (_row(pair) for pair in (shading.lit, shading.unlit))
    shown = np.mean([_sum(draw(p, True)) for p in lamp_points(lamp)], axis=0) / seen.grey
    slope = np.float32(length) * facing
    reached = np.clip((shown - c - d * slope) / ((a - c) + (b - d) * slope), 0, 1)
    return np.asarray(facing * (1 - np.float32(lamp.shadow) * (1 - reached)))


def _sum(image: NDArray[np.uint8] | NDArray[np.uint16]) -> Field:
    """Red + green + blue (H, W)."""
    total = np.add(image[..., 0], image[..., 1], dtype=np.float32)
    return np.add(total, image[..., 2], dtype=np.float32)


def _row(values: object) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)


@lru_cache(maxsize=1)
def _fine_linear() -> NDArray[np.float32]:
    """Linear light of grey levels 0..255 in steps of 1 / FINE."""
    return light.linear(np.arange(255 * FINE + 1) / (255 * FINE)).astype(np.float32)
