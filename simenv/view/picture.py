"""What one image holds, side by side: rgb, depth with its scale, mask, rgb with poses and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simenv.view.color import AXIS_COLORS, Color, DepthScale, mask_picture, shades
from simenv.view.overlay import Mark
from simenv.view.shot import Shot

__all__ = ["draw_marks", "strip"]

GAP_SHARE = 1 / 80  # of a panel's width, between panels
FOOT_SHARE = 1 / 9  # of a panel's width: the captions stay readable when the strip is shown small
INK: Color = (118, 126, 137)  # readable on white and on nearly black, since the ground is clear
THICK_SHARE = 1 / 320  # of a panel's width: the lines of boxes
TEXT_SHARE = 0.5  # height of a capital letter, of the line that it stands in
TICK_ROOM = 0.4  # of the line height, at least, between two numbers under the scale


def strip(shot: Shot) -> NDArray[np.uint8]:
    """The four panels with captions under them, (H + foot, 4 W + 3 gaps, 4) rgba, clear ground."""
    height, width = shot.instance.shape
    scale = DepthScale.of(shot.depth_m, shot.instance)
    panels = [
        (shot.rgb, _caption("rgb", width)),
        (scale.picture(shot.depth_m), _scale_foot(scale, width)),
        (mask_picture(shot.instance, shot.fixed), _caption("instance mask", width)),
        (draw_marks(shot.rgb, shot.marks), _caption("6-DoF poses, boxes", width)),
    ]
    gap = np.zeros((height + foot_px(width), gap_px(width), 4), dtype=np.uint8)
    columns: list[NDArray[np.uint8]] = []
    for picture, foot in panels:
        opaque = np.dstack([picture, np.full((height, width), 255, dtype=np.uint8)])
        columns += [gap, np.concatenate([opaque, foot])]
    return np.concatenate(columns[1:], axis=1)


def foot_px(width: int) -> int:
    """Height of the captions under panels of this width."""
    return max(12, round(width * FOOT_SHARE))


def gap_px(width: int) -> int:
    """Room between panels of this width."""
    return max(2, round(width * GAP_SHARE))


def draw_marks(rgb: NDArray[np.uint8], marks: Sequence[Mark]) -> NDArray[np.uint8]:
    """Boxes and body axes over a copy of the picture (H, W, 3), at sub-pixel precision."""
    drawn = rgb.copy()
    thick = max(1.0, rgb.shape[1] * THICK_SHARE)
    for mark in marks:
        if mark.box is not None:
            for start, end in pairwise(_ring(mark.box)):
                _line(drawn, start, end, mark.color, thick)
    for mark in marks:
        if mark.axes is not None:
            for tip, color in zip(mark.axes[1:], AXIS_COLORS, strict=True):
                _line(drawn, mark.axes[0], tip, color, thick + 1)
    return drawn


def _ring(box: tuple[int, int, int, int]) -> NDArray[np.float64]:
    """The corners (5, 2) around the pixels of a box, not through them; the first one twice."""
    x, y, width, height = box
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
    return np.array(corners) - 0.5


def _line(
    picture: NDArray[np.uint8],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    color: Color,
    thick: float,
) -> None:
    """Blend a line with round ends into ``picture``: coverage falls over one pixel at its edge.

    OpenCV's anti-aliased lines lie up to 0.2 px off, which would show a wrong pose.
    """
    reach = thick / 2 + 1
    low = np.floor(np.minimum(start, end) - reach).astype(int).clip(0)
    high = np.ceil(np.maximum(start, end) + reach).astype(int).clip(-1) + 1
    patch = picture[low[1] : high[1], low[0] : high[0]]
    v, u = np.indices(patch.shape[:2])
    points = np.stack([u + low[0], v + low[1]], axis=-1) - start
    along = end - start
    share = np.clip(points @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
    distance = np.linalg.norm(points - share[..., None] * along, axis=-1)
    cover = np.clip(thick / 2 + 0.5 - distance, 0.0, 1.0)[..., None]
    patch[:] = np.rint(patch + cover * (np.array(color) - patch.astype(float)))


def _caption(text: str, width: int) -> NDArray[np.uint8]:
    """A foot (foot_px, W, 4) with ``text`` in its middle."""
    return _ink(_write([(text, width / 2)], width, foot_px(width)))


def _scale_foot(scale: DepthScale, width: int) -> NDArray[np.uint8]:
    """A foot with the depth scale from left to right and round depths under it."""
    height = foot_px(width)
    bar = height // 4
    ramp = np.rint(np.linspace(0, len(shades()) - 1, width)).astype(np.intp)
    foot = _ink(np.zeros((height, width), dtype=np.uint8))
    foot[1 : 1 + bar, :, :3], foot[1 : 1 + bar, :, 3] = shades()[ramp], 255
    rest = height - 1 - bar
    texts = [(text, scale.fraction(depth) * (width - 1)) for depth, text in scale.ticks()]
    texts = _spaced([(f"{text} m", x) for text, x in texts], width, rest)
    foot[1 + bar :] = _ink(_write(texts, width, rest))
    return foot


def _spaced(texts: list[tuple[str, float]], width: int, height: int) -> list[tuple[str, float]]:
    """Those that fit side by side and inside, from left to right."""
    kept: list[tuple[str, float]] = []
    edge = 0.0
    for text, x in texts:
        half = _text_size(text, height)[0] / 2
        if x - half >= edge and x + half <= width:
            kept.append((text, x))
            edge = x + half + height * TICK_ROOM
    return kept


def _write(texts: Sequence[tuple[str, float]], width: int, height: int) -> NDArray[np.uint8]:
    """Coverage 0..255 of (text, middle) in one line, (H, W)."""
    import cv2

    line = np.zeros((height, width), dtype=np.uint8)
    font, scale, thick = _font(height)
    for text, x in texts:
        across, up = _text_size(text, height)
        place = (round(x - across / 2), round((height + up) / 2))
        cv2.putText(line, text, place, font, scale, 255, thick, cv2.LINE_AA)
    return line


def _text_size(text: str, height: int) -> tuple[int, int]:
    """Width and height of ``text`` in a line of ``height`` pixels."""
    import cv2

    (across, up), _ = cv2.getTextSize(text, *_font(height))
    return across, up


def _font(height: int) -> tuple[int, float, int]:
    """OpenCV's font, scale and thickness for a line of ``height`` pixels."""
    import cv2

    letter = height * TEXT_SHARE
    thick = max(1, round(letter / 12))
    font = cv2.FONT_HERSHEY_SIMPLEX
    return font, cv2.getFontScaleFromHeight(font, max(4, round(letter)), thick), thick


def _ink(coverage: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Coverage (H, W) as rgba: the ink's colour everywhere, clear where nothing is written."""
    ink = np.empty((*coverage.shape, 4), dtype=np.uint8)
    ink[..., :3], ink[..., 3] = INK, coverage
    return ink
