"""What procedural surfaces look like: tileable RGB images that are the same on every machine."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["NAMES", "SIZE", "make"]

SIZE = 512  # pixels; every image repeats seamlessly in both directions
Field = NDArray[np.float64]  # (SIZE, SIZE), one value a pixel


def make(name: str) -> NDArray[np.uint8]:
    """The image (512, 512, 3) of a name in `NAMES`."""
    return np.clip(np.round(_TEXTURES[name]()), 0, 255).astype(np.uint8)


def _noise(seed: int, cells_y: int, cells_x: int) -> Field:
    """Periodic value noise in -1..1 with cells_y x cells_x cells, smoothly interpolated.

    Plain arithmetic only: an FFT would round differently from library to library.
    """
    corners = np.random.default_rng(seed).uniform(-1, 1, (cells_y, cells_x))
    return _stretch(_stretch(corners, 0), 1)


def _stretch(values: Field, axis: int) -> Field:
    cells = values.shape[axis]
    where = np.arange(SIZE) * cells / SIZE
    low = where.astype(int)
    t = where - low
    t = t * t * (3 - 2 * t)
    t = t[:, None] if axis == 0 else t[None, :]
    a, b = values.take(low, axis), values.take((low + 1) % cells, axis)
    return np.asarray(a + t * (b - a))


def _fractal(seed: int, cells_y: int, cells_x: int, octaves: int) -> Field:
    """Noise of halving size and height, in about -1..1."""
    total = np.zeros((SIZE, SIZE))
    for k in range(octaves):
        y, x = min(cells_y << k, SIZE), min(cells_x << k, SIZE)
        total += _noise(seed + k, y, x) * 0.5 ** (k + 1)
    return total


def _grid() -> tuple[Field, Field]:
    """Fractions 0..1 of the way down and across."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    return y, x


def _tint(value: Field, red: float, green: float, blue: float) -> Field:
    """Grey ``value`` (1 = as given) times a colour, (SIZE, SIZE, 3) in 0..255."""
    return np.asarray(value[..., None] * np.array([red, green, blue]))


def _wave(phase: Field) -> Field:
    """A triangle wave of period 1 in -1..1."""
    return np.asarray(np.abs((phase % 1.0) * 4 - 2) - 1)


def _rubber() -> Field:
    y, x = _grid()
    ribs = _wave(32 * (x + y)) * _wave(32 * (x - y))
    wear = _fractal(10, 4, 4, 5)
    return _tint(1 + 0.10 * ribs + 0.22 * wear + 0.10 * _noise(19, SIZE, SIZE), 58, 59, 62)


def _green_pvc() -> Field:
    y, x = _grid()
    weave = _wave(64 * x) * _wave(64 * y)
    wear = _fractal(20, 2, 8, 5)
    return _tint(1 + 0.05 * weave + 0.12 * wear + 0.04 * _noise(29, SIZE, SIZE), 52, 122, 92)


def _concrete() -> Field:
    stain, grain = _fractal(30, 3, 3, 6), _noise(39, SIZE, SIZE)
    pores = np.clip(_noise(38, 96, 96) - 0.72, 0, None)
    return _tint(1 + 0.14 * stain + 0.05 * grain - 1.2 * pores, 168, 166, 160)


def _wood() -> Field:
    y, _ = _grid()
    planks = 4
    plank = np.floor(y * planks)
    tone = np.array([0.03, -0.05, 0.06, -0.02])[plank.astype(int)]
    rings = _wave(6 * (y + 0.06 * _fractal(40, 4, 1, 4)) + 0.37 * plank)
    fibre = _fractal(45, 64, 2, 3)
    joint = np.clip(1 - np.abs((y * planks) % 1.0 - 0.5) * 2, 0, 0.02) / 0.02
    value = 1 + tone + 0.05 * rings + 0.16 * fibre + 0.02 * _noise(49, SIZE, SIZE)
    return _tint(value * (0.72 + 0.28 * joint), 205, 168, 122)


def _plastic() -> Field:
    return _tint(1 + 0.03 * _fractal(50, 64, 64, 3) + 0.02 * _fractal(55, 2, 2, 3), 208, 211, 214)


def _steel() -> Field:
    brushed = _fractal(60, 256, 2, 2) + 0.6 * _fractal(65, 512, 4, 1)
    return _tint(1 + 0.13 * brushed + 0.05 * _fractal(67, 2, 2, 3), 176, 180, 186)


def _cardboard() -> Field:
    y, _ = _grid()
    flutes = _wave(48 * y)
    fibre = _fractal(70, 24, 48, 4)
    return _tint(1 + 0.025 * flutes + 0.10 * fibre + 0.04 * _noise(79, SIZE, SIZE), 190, 150, 106)


def _checker() -> Field:
    y, x = _grid()
    dark = (np.floor(8 * y) + np.floor(8 * x)) % 2
    return _tint(1 - 0.62 * dark + 0.02 * _noise(89, 128, 128), 226, 226, 222)


def _colored_noise() -> Field:
    channels = [_fractal(90 + 10 * k, 4, 4, 7) for k in range(3)]
    return np.asarray(128 + 150 * np.stack(channels, axis=-1))


def _stripes() -> Field:
    _, x = _grid()
    rng = np.random.default_rng(120)
    edges = np.sort(rng.uniform(0, 1, 16))
    stripe = np.searchsorted(edges, x) % len(edges)  # the last one goes on in the first
    return np.asarray(rng.uniform(25, 235, (len(edges), 3))[stripe])


def _terrazzo() -> Field:
    rng = np.random.default_rng(130)
    image = _tint(1 + 0.04 * _fractal(131, 8, 8, 5), 206, 202, 194)
    for _ in range(900):
        u, v, window = _local(rng, 3, 15)
        sides = rng.uniform(0.4, 0.9, len(HEXAGON))
        chip = np.all([a * u + b * v < c for (a, b), c in zip(HEXAGON, sides, strict=True)], axis=0)
        tone, warmth = rng.uniform(50, 190), rng.uniform(-1, 1)
        color = tone + warmth * np.array([28.0, 4.0, -24.0])
        image[window] = np.where(chip[..., None], color, image[window])
    return image


def _shapes() -> Field:
    rng = np.random.default_rng(140)
    image = np.ones((SIZE, SIZE, 3)) * rng.uniform(60, 200, 3)
    for k in range(160):
        u, v, window = _local(rng, 10, 62)
        inside = _SHAPES[k % len(_SHAPES)](u, v)
        image[window] = np.where(inside[..., None], rng.uniform(15, 245, 3), image[window])
    return image


def _gradient() -> Field:
    channels = [_noise(150 + k, 2, 2) for k in range(3)]
    return np.asarray(128 + 110 * np.stack(channels, axis=-1))


def _local(
    rng: np.random.Generator, low: int, high: int
) -> tuple[Field, Field, tuple[NDArray[np.intp], ...]]:
    """A place of random position, turn and half-width in pixels, and its window of the image.

    Its coordinates u, v are -1..1 on the way across it.
    """
    y, x, half = rng.integers(0, SIZE), rng.integers(0, SIZE), int(rng.integers(low, high))
    across = np.arange(-2 * half, 2 * half + 1)
    a, b = rng.normal(size=2)
    length = np.sqrt(a * a + b * b) * half
    down = across[:, None]
    u, v = (a * across + b * down) / length, (a * down - b * across) / length
    return u, v, np.ix_((y + across) % SIZE, (x + across) % SIZE)


HEXAGON = ((1, 0), (0.5, 0.866), (-0.5, 0.866), (-1, 0), (-0.5, -0.866), (0.5, -0.866))

_SHAPES: tuple[Callable[[Field, Field], NDArray[np.bool_]], ...] = (
    lambda u, v: u * u + v * v < 1,  # a disc
    lambda u, v: np.maximum(np.abs(u), np.abs(v)) < 0.9,  # a square
    lambda u, v: (v > -0.5) & (1.732 * np.abs(u) < 1 - v),  # a triangle
    lambda u, v: np.abs(u * u + v * v - 0.7) < 0.3,  # a ring
    lambda u, v: (np.abs(u) < 1.3) & (np.abs(v) < 0.2),  # a bar
)

_TEXTURES: dict[str, Callable[[], Field]] = {
    "rubber": _rubber,
    "green_pvc": _green_pvc,
    "concrete": _concrete,
    "wood": _wood,
    "plastic": _plastic,
    "steel": _steel,
    "cardboard": _cardboard,
    "checker": _checker,
    "noise": _colored_noise,
    "stripes": _stripes,
    "terrazzo": _terrazzo,
    "shapes": _shapes,
    "gradient": _gradient,
}

NAMES = tuple(_TEXTURES)
