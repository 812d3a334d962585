"""How one image looks on the page: picture, mask and depth, its values and its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from simenv.view.color import DepthScale, body_color, mask_picture
from simenv.view.encode import jpeg_uri, png_uri, shrink
from simenv.view.shot import Part, Shot, Value
from simenv.view.svg import hex_color, overlay_svg

__all__ = ["tile_html"]

WIDEST_PX = 960  # a wider picture is stored smaller; the overlay stays in the picture's own pixels
VIEWS = ("overlay", "rgb", "mask", "depth")


def tile_html(shot: Shot) -> str:
    """A card with one image."""
    scale = DepthScale.of(shot.depth_m, shot.instance)
    return (
        f'<article class="tile" data-view="overlay" id="image-{shot.image}">'
        f"<header><h3>{_title(shot)}</h3>{view_buttons()}</header>"
        f'<div class="body"><div class="seen">{_panes(shot, scale)}{_scale(scale)}</div>'
        f'<div class="tables">{_parts(shot.parts)}{_values(shot.values)}</div></div></article>'
    )


def view_buttons() -> str:
    """One button a view; page.js listens to them."""
    buttons = "".join(f'<button type="button" data-show="{v}">{v}</button>' for v in VIEWS)
    return f'<div class="views" role="group" aria-label="view">{buttons}</div>'


def _title(shot: Shot) -> str:
    words = [f"scene {shot.scene}", shot.camera, f"frame {shot.frame}", f"{shot.time_s:.2f} s"]
    words += [shot.tier] if shot.tier != "core" else []
    return "<span>" + "</span><span>".join(escape(word) for word in words) + "</span>"


def _panes(shot: Shot, scale: DepthScale) -> str:
    height, width = shot.instance.shape
    mask = mask_picture(shrink(shot.instance, WIDEST_PX, exact=True), shot.fixed)
    depth = scale.picture(shrink(shot.depth_m, WIDEST_PX, exact=True))
    overlay = overlay_svg(shot.marks, width=width, height=height)
    rgb = jpeg_uri(shrink(shot.rgb, WIDEST_PX, exact=False))
    return (
        f'<div class="panes" style="--ratio:{width}/{height}">'
        f"{_pane('picture', rgb, 'rgb')}{overlay}</div>"
        f"{_pane('mask', png_uri(mask), 'mask')}</div>"
        f"{_pane('depth', png_uri(depth), 'depth')}</div></div>"
    )


def _pane(kind: str, uri: str, alt: str) -> str:
    """The opening of a pane, its image and its caption."""
    image = f'<img src="{uri}" alt="{alt}">'
    return f'<div class="pane {kind}">{image}<span class="caption">{alt}</span>'


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


def _parts(parts: Iterable[Part]) -> str:
    rows = "".join(
        f'<tr data-id="{part.id}"><td><i style="background:{hex_color(body_color(part.id))}"></i>'
        f"{part.id}</td><td>{escape(part.object)}</td>"
        f"<td>{part.visible_fraction:.2f}</td><td>{part.distance_m:.3f}</td></tr>"
        for part in parts
    )
    head = "<th>id</th><th>object</th><th>visible</th><th>distance m</th>"
    return _table("parts", head, rows, "no part")


def _values(values: Sequence[Value]) -> str:
    rows = ""
    for kind in ("semantic", "visual"):
        own = [value for value in values if value.visual == (kind == "visual")]
        rows += f'<tr class="kind"><td colspan="2">{kind}</td></tr>' if own else ""
        rows += "".join(
            f"<tr><td>{_breakable(value.path)}</td><td>{escape(value.text)}</td></tr>"
            for value in own
        )
    return _table("values", "<th>axis of the domain</th><th>value</th>", rows, "nothing varies")


def _breakable(path: str) -> str:
    """A dotted path that may go on in the next line after a dot."""
    return escape(path).replace(".", ".<wbr>")


def _table(kind: str, head: str, rows: str, empty: str) -> str:
    if not rows:
        return f'<p class="empty">{empty}</p>'
    return (
        f'<div class="table {kind}" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
