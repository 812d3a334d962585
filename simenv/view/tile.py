"""How one image looks on the page: its pictures, its labels drawn over them, its tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from simenv.view.color import DepthScale, mask_picture
from simenv.view.encode import exact_uri, jpeg_uri, shrink
from simenv.view.forks import forks_svg
from simenv.view.panes import EXTRAS, Pane, extra_names, extra_panes
from simenv.view.shot import Shot
from simenv.view.svg import overlay_svg
from simenv.view.table import chip, parts_table, values_table

__all__ = ["GRASPS", "VIEWS", "tile_html", "view_buttons", "views_of"]

WIDEST_PX = 960  # a wider picture is stored smaller; the overlay stays in the picture's own pixels
WIDEST_EXTRA_PX = 480  # of the further pictures, so that a page of all labels can be sent around
ALWAYS = ("overlay", "rgb", "mask", "depth")
VIEWS = (*ALWAYS, *EXTRAS)
GRASPS = "grasps"  # the view of the picture with grasps over it; stands last
COLUMNS = 12  # of the panes: the large one has eight, mask and depth beside it four
LARGE, MASK, DEPTH = "1 / 1 / 3 / 9", "1 / 9 / 2 / 13", "2 / 9 / 3 / 13"  # as CSS says grid-area


def tile_html(shot: Shot) -> str:
    """A card with one image."""
    scale = DepthScale.of(shot.depth_m, shot.instance)
    extras = list(extra_panes(shot, scale, widest=WIDEST_EXTRA_PX))
    return (
        f'<article class="tile" data-view="overlay" id="image-{shot.image}">'
        f"<header><h3>{_title(shot)}</h3>{view_buttons(views_of(shot))}</header>"
        f'<div class="body"><div class="seen">{_panes(shot, scale, extras)}{_scale(scale)}'
        f"{_legends(extras)}</div>"
        f'<div class="tables">{parts_table(shot)}{values_table(shot.values)}</div></div></article>'
    )


def views_of(shot: Shot) -> tuple[str, ...]:
    """What a tile can show large, of VIEWS; and its grasps."""
    return (*ALWAYS, *extra_names(shot), *((GRASPS,) if shot.grasps is not None else ()))


def view_buttons(views: Iterable[str]) -> str:
    """One button a view; page.js listens to them."""
    buttons = "".join(f'<button type="button" data-show="{v}">{v}</button>' for v in views)
    return f'<div class="views" role="group" aria-label="view">{buttons}</div>'


def _title(shot: Shot) -> str:
    words = [f"scene {shot.scene}", shot.camera, f"frame {shot.frame}", f"{shot.time_s:.2f} s"]
    words += [shot.tier] if shot.tier != "core" else []
    return "<span>" + "</span><span>".join(escape(word) for word in words) + "</span>"


def _panes(shot: Shot, scale: DepthScale, extras: Sequence[Pane]) -> str:
    height, width = shot.instance.shape
    mask = mask_picture(shrink(shot.instance, WIDEST_PX, exact=True), shot.fixed)
    depth = scale.picture(shrink(shot.depth_m, WIDEST_PX, exact=True))
    overlay = overlay_svg(shot.marks, width=width, height=height) + forks_svg(shot)
    rgb = jpeg_uri(shrink(shot.rgb, WIDEST_PX, exact=False))
    slots = [_slot(k, len(extras)) for k in range(len(extras))]
    panes = [
        _pane("rgb", rgb, "rgb", LARGE, large=True, over=overlay),
        _pane("mask", exact_uri(mask), "mask", MASK, exact=True),
        _pane("depth", exact_uri(depth), "depth", DEPTH, exact=True),
        *(
            _pane(pane.name, _uri(pane), pane.caption, slot, exact=pane.exact)
            for pane, slot in zip(extras, slots, strict=True)
        ),
    ]
    return f'<div class="panes" style="--ratio:{width}/{height}">{"".join(panes)}</div>'


def _slot(extra: int, count: int) -> str:
    """Where a further pane stands, below the large one: three in a row, or all four."""
    across = 4 if count == 4 else 3
    row, place = divmod(extra, across)
    span = COLUMNS // across
    return f"{3 + row} / {1 + place * span} / auto / span {span}"


def _uri(pane: Pane) -> str:
    return exact_uri(pane.picture) if pane.exact else jpeg_uri(pane.picture)


def _pane(
    name: str,
    uri: str,
    caption: str,
    slot: str,
    *,
    large: bool = False,
    exact: bool = False,
    over: str = "",
) -> str:
    """An image with its caption, and what is drawn over both."""
    kinds = "pane" + " large" * large + " exact" * exact
    image = f'<img src="{uri}" alt="{name}">'
    return (
        f'<div class="{kinds}" data-pane="{name}" style="--slot:{slot}">{image}'
        f'<span class="caption">{escape(caption)}</span>{over}</div>'
    )


def _scale(scale: DepthScale) -> str:
    """The colour bar; the colours themselves stand once in the page's style."""
    ticks = "".join(
        f'<li style="left:{100 * scale.fraction(depth):.3f}%">{text}</li>'
        for depth, text in scale.ticks()
    )
    return (
        '<div class="scale" title="Nearer and farther surfaces have the colours of the ends;'
        ' black is no surface."><span>depth in m</span>'
        f'<div><div class="bar"></div><ol>{ticks}</ol></div></div>'
    )


def _legends(extras: Sequence[Pane]) -> str:
    """What the colours of the further pictures stand for, where it is not known by heart."""
    legends = "".join(
        f'<p class="legend"><b>{pane.name}</b>'
        + "".join(f"<span>{chip(color)}{escape(name)}</span>" for name, color in pane.legend)
        + "</p>"
        for pane in extras
        if pane.legend
    )
    return legends
