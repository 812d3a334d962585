"""What is printed on parts: packages, labels and metal finishes, drawn as RGB images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Brand", "Image", "carton", "metal", "wrap"]

Image = NDArray[np.uint8]  # (H, W, 3) RGB
Paint = tuple[int, int, int]  # RGB, 0..255
Rect = tuple[float, float, float, float]  # x, y of the upper left corner, width, height: 0..1

WIDTH = 512  # pixels of a print
INK: Paint = (28, 28, 32)
PAPER: Paint = (248, 247, 242)


@dataclass(frozen=True)
class Brand:
    """An invented product: its words and its three colours."""

    name: str
    product: str
    base: Paint
    accent: Paint
    text: Paint
    code: int  # of the barcode


class _Face:
    """A rectangle of the image, drawn in fractions of its own width and height."""

    def __init__(self, image: Image, rect: Rect) -> None:
        height, width = image.shape[:2]
        x, y, w, h = (round(v * s) for v, s in zip(rect, (width, height) * 2, strict=True))
        self.pixels = image[y : y + h, x : x + w]

    def fill(self, color: Paint, rect: Rect = (0.0, 0.0, 1.0, 1.0)) -> None:
        x, y, w, h = self._box(rect)
        self.pixels[y : y + h, x : x + w] = color

    def disc(self, color: Paint, center: tuple[float, float], radius: float) -> None:
        import cv2  # slow to import

        x, y, _, _ = self._box((*center, 0.0, 0.0))
        canvas = np.ascontiguousarray(self.pixels)
        cv2.circle(canvas, (x, y), round(radius * min(canvas.shape[:2])), color, -1, cv2.LINE_AA)
        self.pixels[:] = canvas

    def text(self, words: str, rect: Rect, color: Paint, *, bold: bool = True) -> None:
        """Words as large as fit into ``rect``, centred."""
        import cv2  # slow to import

        x, y, w, h = self._box(rect)
        font = cv2.FONT_HERSHEY_DUPLEX if bold else cv2.FONT_HERSHEY_SIMPLEX
        (tw, th), _ = cv2.getTextSize(words, font, 1.0, 1)
        scale = min(w / tw, h / th)
        weight = max(1, round(scale * (2.2 if bold else 1.0)))
        at = (round(x + (w - tw * scale) / 2), round(y + (h + th * scale) / 2))
        canvas = np.ascontiguousarray(self.pixels)
        cv2.putText(canvas, words, at, font, scale, color, weight, cv2.LINE_AA)
        self.pixels[:] = canvas

    def barcode(self, code: int, rect: Rect) -> None:
        """Bars of one to four modules from the digits of ``code``, on white."""
        self.fill(PAPER, rect)
        x, y, w, h = rect
        digits = [int(d) for d in f"{code:012d}"]
        bars = [1 + (d * 7 + k * 3) % 4 for k, d in enumerate(digits * 3)]
        unit, at = 0.9 * w / sum(bars), x + 0.05 * w
        for k, bar in enumerate(bars):
            if k % 2 == 0:
                self.fill(INK, (at, y + 0.08 * h, bar * unit, 0.7 * h))
            at += bar * unit
        self.text(f"{code:012d}", (x + 0.05 * w, y + 0.82 * h, 0.9 * w, 0.13 * h), INK, bold=False)

    def table(self, title: str, rows: Sequence[str], rect: Rect) -> None:
        """A bordered table of facts: a title and a line a row."""
        x, y, w, h = rect
        self.fill(INK, rect)
        self.fill(PAPER, (x + 0.02 * w, y + 0.02 * h, 0.96 * w, 0.96 * h))
        step = 0.94 * h / (len(rows) + 1)
        self.text(title, (x + 0.06 * w, y + 0.04 * h, 0.88 * w, 0.7 * step), INK)
        for k, row in enumerate(rows, start=1):
            top = y + 0.03 * h + k * step
            self.fill(INK, (x + 0.04 * w, top, 0.92 * w, 0.015 * h))
            self.text(row, (x + 0.06 * w, top + 0.25 * step, 0.88 * w, 0.5 * step), INK, bold=False)

    def _box(self, rect: Rect) -> tuple[int, int, int, int]:
        height, width = self.pixels.shape[:2]
        x0, y0 = round(rect[0] * width), round(rect[1] * height)
        x1, y1 = round((rect[0] + rect[2]) * width), round((rect[1] + rect[3]) * height)
        return x0, y0, max(1, x1 - x0), max(1, y1 - y0)


def carton(brand: Brand, faces: Mapping[str, Rect], aspect: float) -> Image:
    """The print of a folding box; ``faces`` are the places of front, right, ... in the image.

    ``aspect`` is the height of the image over its width.
    """
    image: Image = np.full((round(WIDTH * aspect), WIDTH, 3), brand.base, dtype=np.uint8)
    for name in ("front", "back"):
        _front(_Face(image, faces[name]), brand)
    _side(_Face(image, faces["right"]), brand)
    left = _Face(image, faces["left"])
    left.fill(brand.accent, (0.0, 0.0, 1.0, 0.16))
    left.table("FACTS / 100 g", _FACTS, (0.12, 0.22, 0.76, 0.7))
    _lid(_Face(image, faces["top"]), brand, brand.name)
    _lid(_Face(image, faces["bottom"]), brand, f"LOT {brand.code % 99991:05d}")
    return image


_FACTS = ("energy 1540 kJ", "fat 9.1 g", "carbs 61 g", "protein 8 g", "salt 0.4 g")


def _front(face: _Face, brand: Brand) -> None:
    face.fill(brand.accent, (0.0, 0.62, 1.0, 0.26))
    face.fill(brand.text, (0.0, 0.60, 1.0, 0.02))
    face.disc(brand.accent, (0.86, 0.16), 0.16)
    face.text(brand.name, (0.06, 0.22, 0.80, 0.30), brand.text)
    face.text(brand.product, (0.10, 0.69, 0.80, 0.12), brand.base)


def _side(face: _Face, brand: Brand) -> None:
    face.fill(brand.accent, (0.0, 0.0, 1.0, 0.16))
    face.text(brand.product, (0.08, 0.25, 0.84, 0.14), brand.text)
    face.barcode(brand.code, (0.14, 0.52, 0.72, 0.40))


def _lid(face: _Face, brand: Brand, words: str) -> None:
    face.fill(brand.accent, (0.0, 0.46, 1.0, 0.08))
    face.text(words, (0.1, 0.12, 0.8, 0.24), brand.text)
    face.text("OPEN HERE", (0.3, 0.68, 0.4, 0.10), brand.text, bold=False)


def wrap(
    brand: Brand, bands: Mapping[str, tuple[float, float]], paints: Mapping[str, Paint]
) -> Image:
    """The print of a turned body, u around and v along it: plain ``paints`` and a ``label`` band.

    ``bands`` gives v from and to of each, 0..1; the label shows twice around.
    """
    image: Image = np.zeros((256, WIDTH, 3), dtype=np.uint8)
    for name, (low, high) in bands.items():
        band = _Face(image, (0.0, 1.0 - high, 1.0, high - low))
        band.fill(paints.get(name, brand.base))
    low, high = bands["label"]
    for start in (0.0, 0.5):
        _label(_Face(image, (start, 1.0 - high, 0.5, high - low)), brand)
    return image


def _label(face: _Face, brand: Brand) -> None:
    face.fill(brand.accent, (0.0, 0.72, 1.0, 0.18))
    face.fill(brand.accent, (0.0, 0.04, 1.0, 0.05))
    face.disc(brand.accent, (0.32, 0.40), 0.26)
    face.text(brand.name, (0.05, 0.22, 0.56, 0.36), brand.text)
    face.text(brand.product, (0.05, 0.76, 0.56, 0.10), brand.base)
    face.barcode(brand.code, (0.68, 0.18, 0.28, 0.48))


def metal(*finishes: str) -> dict[str, Image]:
    """Finishes of bare metal: brushed, zinc, black_oxide."""
    return {name: _FINISHES[name]() for name in finishes}


def _grey(levels: NDArray[np.float64]) -> Image:
    # 64 levels: noise in the last bits only makes the file large.
    coarse = np.round(np.clip(levels, 0.0, 1.0) * 63) * 4
    return np.repeat(coarse.astype(np.uint8)[:, :, None], 3, axis=2)


def _brushed() -> Image:
    """Long fine scratches along u."""
    lines = np.random.default_rng(11).random((256, 1)) * 0.08
    scratches = np.random.default_rng(12).random((256, 8)) * 0.06
    return _grey(0.56 + lines + np.repeat(scratches, 32, axis=1))


def _zinc() -> Image:
    """The spangle of galvanised sheet: each pixel belongs to the nearest of a set of grains."""
    rng = np.random.default_rng(13)
    grains, levels = rng.random((600, 2)) * 256, 0.60 + 0.14 * rng.random(600)
    rows, columns = np.mgrid[0:256, 0:256]
    gaps = (rows[..., None] - grains[:, 0]) ** 2 + (columns[..., None] - grains[:, 1]) ** 2
    return _grey(levels[gaps.argmin(axis=2)])


def _black_oxide() -> Image:
    """Dark, slightly cloudy."""
    coarse = np.random.default_rng(14).random((17, 17))
    at = np.linspace(0, 16, 256)
    rows = np.array([np.interp(at, np.arange(17), row) for row in coarse])
    clouds = np.array([np.interp(at, np.arange(17), column) for column in rows.T])
    return _grey(0.26 + 0.16 * clouds)


_FINISHES = {"brushed": _brushed, "zinc": _zinc, "black_oxide": _black_oxide}
