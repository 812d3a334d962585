"""What one image holds, side by side: rgb, depth with its scale, mask, rgb with poses and boxes.

Labels and devices that a dataset has beside these add panels, and then there are two rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simenv.view.color import Color, DepthScale, mask_picture, shades
from simenv.view.draw import draw_marks
from simenv.view.paint import longest_px
from simenv.view.panes import Pane, extra_panes
from simenv.view.shot import Shot

__all__ = ["strip"]

MOST = 8  # panels
ROW = 4  # panels of the one row, where there are no more
# Which further panels give way where there are too many: first what says least beside the rest.
SPARE = ("semantic", "rgb sensor", "flow", "nocs", "normals", "depth sensor")
GAP_SHARE = 1 / 80  # of a panel's width, between panels
FOOT_SHARE = 1 / 9  # of a panel's width: the captions stay readable when the strip is shown small
INK: Color = (118, 126, 137)  # readable on white and on nearly black, since the ground is clear
TEXT_SHARE = 0.5  # height of a capital letter, of the line that it stands in
TICK_ROOM = 0.4  # of the line height, at least, between two numbers under the scale

Panel = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # (H, W, 3) and its foot (foot, W, 4)


def strip(shot: Shot) -> NDArray[np.uint8]:
    """The panels with captions under them in one row or two, rgba, clear ground.

    Four panels are (H + foot, 4 W + 3 gaps, 4); five to eight stand in two rows with a gap.
    """
    panels = list(_panels(shot))
    across = ROW if len(panels) <= ROW else (len(panels) + 1) // 2
    rows = [_row(panels[k : k + across], across) for k in range(0, len(panels), across)]
    gap = np.zeros((gap_px(shot.instance.shape[1]), rows[0].shape[1], 4), dtype=np.uint8)
    return np.concatenate([part for row in rows for part in (gap, row)][1:])


def _panels(shot: Shot) -> Iterator[Panel]:
    width = shot.instance.shape[1]
    scale = DepthScale.of(shot.depth_m, shot.instance)
    points = any(mark.keypoints or mark.hidden_keypoints for mark in shot.marks)
    drawn = "poses, boxes, keypoints" if points else "6-DoF poses, boxes"
    yield shot.rgb, _caption("rgb", width)
    yield scale.picture(shot.depth_m), _scale_foot(scale, width)
    yield mask_picture(shot.instance, shot.fixed), _caption("instance mask", width)
    yield draw_marks(shot.rgb, shot.marks), _caption(drawn, width)
    for pane in _chosen(shot, scale):
        yield pane.picture, _caption(pane.caption, width)


def _chosen(shot: Shot, scale: DepthScale) -> list[Pane]:
    """The further panels that there is room for; a flow of nothing is none."""
    still = shot.flow is None or not longest_px(shot.flow)
    panes = list(extra_panes(shot, scale, widest=shot.instance.shape[1]))
    panes = [pane for pane in panes if pane.name != "flow" or not still]
    spare = sorted(panes, key=lambda pane: SPARE.index(pane.name))
    out = {pane.name for pane in spare[: max(0, ROW + len(panes) - MOST)]}
    return [pane for pane in panes if pane.name not in out]


def _row(panels: Sequence[Panel], across: int) -> NDArray[np.uint8]:
    """Panels side by side with gaps, and clear ground where there are fewer than ``across``."""
    height, width = panels[0][0].shape[:2]
    foot, gap = foot_px(width), gap_px(width)
    row = np.zeros((height + foot, across * (width + gap) - gap, 4), dtype=np.uint8)
    for k, (picture, caption) in enumerate(panels):
        left = k * (width + gap)
        row[:height, left : left + width] = np.dstack([picture, np.full_like(picture[..., 0], 255)])
        row[height:, left : left + width] = caption
    return row


def foot_px(width: int) -> int:
    """Height of the captions under panels of this width."""
    return max(12, round(width * FOOT_SHARE))


def gap_px(width: int) -> int:
    """Room between panels of this width."""
    return max(2, round(width * GAP_SHARE))


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
