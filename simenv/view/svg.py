"""How marks become crisp lines over a picture: inline SVG in the picture's own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from simenv.view.color import AXIS_COLORS, Color, pale
from simenv.view.overlay import Mark, place_labels

__all__ = ["hex_color", "overlay_svg"]

FONT_SHARE = 1 / 49  # of the picture's width; 12 px and more where it is 600 px wide
DOT_SHARE = 1 / 240  # of the picture's width: the radius of a keypoint


def overlay_svg(marks: Sequence[Mark], *, width: int, height: int) -> str:
    """Boxes, axes and names over a picture of this size.

    Pixel centres are at integers, so the view box begins at (-0.5, -0.5): the box of pixels 3..5
    is drawn from 2.5 to 5.5, around the pixels and not through them.
    """
    font_px = width * FONT_SHARE
    bodies = "".join(_mark(mark, mark.dot_px(width * DOT_SHARE)) for mark in marks)
    names = "".join(
        f'<text x="{label.x:.2f}" y="{label.y:.2f}" data-id="{label.mark.id}"'
        f' fill="{hex_color(pale(label.mark.color))}">{escape(label.text)}</text>'
        for label in place_labels(marks, width=width, height=height, font_px=font_px)
    )
    return (
        f'<svg class="overlay" viewBox="-0.5 -0.5 {width} {height}" font-size="{font_px:.2f}"'
        f' aria-hidden="true">{bodies}{names}</svg>'
    )


def _mark(mark: Mark, radius: float) -> str:
    drawn = _outline(mark) + _box(mark) + _edges(mark) + _axes(mark) + _keypoints(mark, radius)
    return f'<g class="mark" data-id="{mark.id}">{drawn}</g>'


def _outline(mark: Mark) -> str:
    """What would be seen of a body if nothing stood before it."""
    return _path("amodal", mark.outline, mark.color, end="Z")


def _edges(mark: Mark) -> str:
    return _path("box3d", mark.edges, mark.color)


def _path(kind: str, lines: Sequence[NDArray[np.float64]], color: Color, end: str = "") -> str:
    if not lines:
        return ""
    way = "".join(
        "M" + "L".join(f"{u:.2f} {v:.2f}" for u, v in line.tolist()) + end for line in lines
    )
    return f'<path class="{kind}" d="{way}" stroke="{hex_color(color)}"/>'


def _keypoints(mark: Mark, radius: float) -> str:
    """Dots; rings where the point is hidden."""
    color = hex_color(pale(mark.color))
    places = [("keypoint", *uv) for uv in mark.keypoints]
    places += [("keypoint hidden", *uv) for uv in mark.hidden_keypoints]
    return "".join(
        f'<circle class="{kind}" cx="{u:.2f}" cy="{v:.2f}" r="{radius:.2f}" color="{color}"/>'
        for kind, u, v in places
    )


def _box(mark: Mark) -> str:
    if mark.box is None:
        return ""
    x, y, width, height = mark.box
    return (
        f'<rect x="{x - 0.5}" y="{y - 0.5}" width="{width}" height="{height}"'
        f' stroke="{hex_color(mark.color)}"/>'
    )


def _axes(mark: Mark) -> str:
    if mark.axes is None:
        return ""
    (x0, y0), *tips = mark.axes.tolist()
    return "".join(
        f'<line x1="{x0:.3f}" y1="{y0:.3f}" x2="{x:.3f}" y2="{y:.3f}" stroke="{hex_color(color)}"/>'
        for (x, y), color in zip(tips, AXIS_COLORS, strict=True)
    )


def hex_color(color: Color) -> str:
    """``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*color)
