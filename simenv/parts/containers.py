"""What holds other things: bottle, caps, mug, tray."""

import numpy as np
from numpy.typing import NDArray

from simenv.parts import prints
from simenv.parts.build import Triangles, cap, combine, fan, ring, surface, sweep, turn
from simenv.parts.hulls import Hull, hull, ring_sectors, turned_hull
from simenv.parts.part import Part, turns
from simenv.parts.polygon import circle, rectangle, rounded
from simenv.parts.wrapped import wrapped

__all__ = ["bottle", "bottle_cap", "bottle_cap_low", "mug", "tray"]

PLASTIC = 950.0  # kg / m^3, polyethylene
RIBS = 16


def bottle() -> Part:
    """A 52 x 140 mm bottle, closed and full, with a label."""
    low, body, shoulder, neck, lid, top = -0.070, 0.025, 0.036, 0.0435, 0.046, 0.070
    profile = [(0.0, low + 0.0015), (0.018, low + 0.0015), (0.0215, low), (0.0245, low)]
    profile += [(0.026, low + 0.0025), (0.026, -0.058), (0.0255, -0.057)]
    profile += [(0.0255, 0.018), (0.026, 0.019), (0.026, body), (0.0248, 0.0305)]
    profile += [(0.0215, shoulder), (0.0165, 0.0405), (0.0125, neck), (0.0120, lid)]
    profile += [(0.0140, lid), (0.0140, top - 0.001), (0.0130, top), (0.0, top)]
    skin, bands = wrapped(profile, {"body": (0, 14), "label": (6, 7), "lid": (14, 18)}, segments=40)
    brands = {
        "mint": prints.Brand(
            "LIMPA", "surface cleaner", (222, 240, 228), (40, 140, 96), (16, 70, 50), 471120358812
        ),
        "citrus": prints.Brand(
            "ZESTA",
            "dish soap 250 ml",
            (250, 238, 190),
            (232, 150, 20),
            (140, 50, 10),
            400981234567,
        ),
        "navy": prints.Brand(
            "NORDO", "machine oil", (206, 214, 228), (30, 52, 110), (20, 30, 70), 730214459018
        ),
    }
    paints = {
        "mint": {"body": (236, 240, 238), "lid": (40, 140, 96)},
        "citrus": {"body": (252, 222, 110), "lid": (236, 236, 230)},
        "navy": {"body": (40, 60, 116), "lid": (210, 60, 40)},
    }
    return Part(
        name="bottle",
        summary="Closed bottle with a label. Origin: on the axis, half height; z from base to lid.",
        mesh=skin,
        collision=[
            turned_hull([(0.0247, low), (0.026, low + 0.0025)], 16),
            turned_hull([(0.026, low + 0.0025), (0.026, body)], 16),
            turned_hull([(0.026, body), (0.0248, 0.0305)], 16),
            turned_hull([(0.0248, 0.0305), (0.0215, shoulder)], 14),
            turned_hull([(0.0215, shoulder), (0.0125, neck)], 12),
            turned_hull([(0.014, neck), (0.014, top - 0.001), (0.013, top)], 10),
        ],
        density=980.0,
        lateral=0.4,
        rolling=0.0015,
        color=(1.0, 1.0, 1.0),
        continuous=[(0.0, 0.0, 1.0)],
        keypoints={
            "lid_center": (0.0, 0.0, top),
            "base_center": (0.0, 0.0, low + 0.0015),
            "lid_side": (0.014, 0.0, 0.058),
            "shoulder": (0.0215, 0.0, shoulder),
        },
        tags=("plastic", "container", "printed"),
        textures={name: prints.wrap(brands[name], bands, paints[name]) for name in brands},
    )


def _ribbed(radius: float, rib: float) -> NDArray[np.float64]:
    """A circle with ribs: of every four points two stand out by ``rib``."""
    count = 4 * RIBS
    outline = circle(1.0, count)
    radii = np.where(np.arange(count) % 4 < 2, radius, radius - rib)
    return np.asarray(outline * radii[:, None])


def _cap(name: str, summary: str, *, height: float) -> Part:
    """A screw cap, 30 mm across, open below; walls of 1.8 mm, knurled outside."""
    low, top, radius, inner, count = -height / 2, height / 2, 0.015, 0.0130, 4 * RIBS
    ribbed = _ribbed(radius, 0.0007)
    rings = [ring(circle(inner, count), low), ring(circle(0.0143, count), low)]
    rings += [ring(_ribbed(radius - 0.0002, 0.0005), low + 0.0008), ring(ribbed, low + 0.0012)]
    rings += [ring(ribbed, top - 0.0026), ring(circle(0.0142, count), top - 0.0018)]
    rings += [ring(circle(0.0138, count), top - 0.0006), ring(circle(0.0128, count), top)]
    ceiling = ring(circle(inner, count), top - 0.002)
    skirt = sweep([ceiling, *rings])
    body = combine(skirt, fan(rings[-1]), fan(ceiling[::-1]))
    pieces = ring_sectors(
        [(0.0143, low), (radius - 0.0001, low + 0.0008), (radius - 0.0001, top - 0.0022)],
        [(inner + 0.0001, low), (inner + 0.0001, top - 0.0020)],
        count=8,
    )
    rounding = [(radius - 0.0001, top - 0.0022, 12), (0.0139, top - 0.0006, 10), (0.0128, top, 10)]
    lid = hull(*(turned_hull([(r, z)], n) for r, z, n in rounding))
    return Part(
        name=name,
        summary=summary,
        mesh=surface(body),
        collision=[*pieces, lid],
        density=PLASTIC,
        lateral=0.35,
        color=(0.12, 0.36, 0.68),
        discrete=turns(RIBS),
        keypoints={
            "top_center": (0.0, 0.0, top),
            "inside_center": (0.0, 0.0, top - 0.002),
            "rim_x": (0.0137, 0.0, low),
            "rim_y": (0.0, 0.0137, low),
        },
        tags=("plastic", "hollow", "twin"),
    )


def bottle_cap() -> Part:
    """A screw cap, 19 mm high."""
    return _cap(
        "bottle_cap",
        "Knurled screw cap, 19 mm high. Origin: on the axis, half height; open below.",
        height=0.019,
    )


def bottle_cap_low() -> Part:
    """The screw cap's twin, 13 mm high."""
    return _cap(
        "bottle_cap_low",
        "Knurled screw cap, 13 mm high, the twin of bottle_cap. Origin: on the axis, half height; "
        "open below.",
        height=0.013,
    )


MUG_R, MUG_WALL, MUG_HALF = 0.040, 0.004, 0.045
HANDLE_X, HANDLE_Z, HANDLE_AT = 0.026, 0.025, 0.0377  # half axes of the arc, x of its centre


def _handle_ring(part: float, count: int) -> NDArray[np.float64]:
    """The section at a ``part`` (0..1) of the way from the lower to the upper root, (count, 3)."""
    angle = np.pi * (part - 0.5)
    at = np.array([HANDLE_AT + HANDLE_X * np.cos(angle), 0.0, HANDLE_Z * np.sin(angle)])
    along = np.array([-HANDLE_X * np.sin(angle), 0.0, HANDLE_Z * np.cos(angle)])
    along /= np.linalg.norm(along)
    side = np.cross(along, (0.0, 1.0, 0.0))
    section = circle(1.0, count) * (0.0035, 0.0055)
    return np.asarray(at + section[:, :1] * side + section[:, 1:] * np.array([0.0, -1.0, 0.0]))


def _handle() -> Triangles:
    rings = [_handle_ring(part, 16) for part in np.linspace(0.0, 1.0, 13)]
    skin = combine(sweep(rings), fan(rings[0][::-1]), fan(rings[-1]))
    volume = np.einsum("ij,ij->", skin[:, 0], np.cross(skin[:, 1], skin[:, 2]))
    return skin if volume > 0 else np.asarray(skin[:, ::-1])


def _handle_hulls() -> list[Hull]:
    parts = np.linspace(0.0, 1.0, 13)
    return [hull(*(_handle_ring(p, 8) for p in parts[k : k + 3])) for k in range(0, 12, 2)]


def mug() -> Part:
    """A stoneware mug, 80 x 90 mm."""
    low, top, outer, inner = -MUG_HALF, MUG_HALF, MUG_R, MUG_R - MUG_WALL
    profile = [(0.0, low + 0.001), (0.029, low + 0.001), (0.030, low), (0.035, low)]
    profile += [(0.0383, low + 0.0012), (outer, low + 0.004), (outer, top - 0.0015)]
    profile += [
        (outer - 0.0009, top - 0.0004),
        (outer - 0.002, top),
        (inner + 0.0009, top - 0.0004),
    ]
    profile += [(inner, top - 0.0015), (inner, low + 0.009), (inner - 0.0015, low + 0.0065)]
    profile += [(inner - 0.005, low + 0.005), (0.0, low + 0.005)]
    sides = [low + 0.0045, top]
    walls_ = ring_sectors(
        [(outer, sides[0]), (outer, top - 0.0015), (outer - 0.002, top)],
        [(inner, sides[0]), (inner, top - 0.0015), (inner + 0.001, top)],
        count=12,
    )
    foot = turned_hull([(0.0352, low), (0.0384, low + 0.0012)], 16)
    base = turned_hull([(0.0384, low + 0.0012), (outer, low + 0.0045)], 16)
    return Part(
        name="mug",
        summary="Mug. Origin: on the axis, half height; the handle towards +x.",
        mesh=surface(combine(turn(profile, 44), _handle())),
        collision=[*walls_, foot, base, *_handle_hulls()],
        density=2300.0,
        lateral=0.45,
        rolling=0.0015,
        color=(0.86, 0.84, 0.78),
        keypoints={
            "handle": (HANDLE_AT + HANDLE_X + 0.0035, 0.0, 0.0),
            "rim_handle": (outer - 0.002, 0.0, top),
            "rim_opposite": (0.002 - outer, 0.0, top),
            "inside_bottom": (0.0, 0.0, low + 0.005),
            "base_center": (0.0, 0.0, low + 0.001),
        },
        tags=("ceramic", "container", "hollow"),
    )


def _tray_loops() -> list[NDArray[np.float64]]:
    """Corner points from the outer bottom over the rim to the inner floor, (24, 3) each."""
    low, top, steps = -0.0125, 0.0125, 5
    sizes = [
        (0.118, 0.078, 0.009, low),
        (0.120, 0.080, 0.010, low + 0.0010),
        (0.130, 0.090, 0.014, top - 0.0006),
        (0.129, 0.089, 0.0135, top),
        (0.1255, 0.0855, 0.0118, top),
        (0.1170, 0.0770, 0.0085, low + 0.0028),
    ]
    return [ring(rounded(rectangle(x, y), r, steps), z) for x, y, r, z in sizes]


def _tray_hulls(loops: list[NDArray[np.float64]]) -> list[Hull]:
    """Four corners, four sides and the bottom."""
    around = loops[1:]
    pieces = []
    for k in range(4):
        corner, side = 6 * k + np.arange(6), [6 * k + 5, (6 * k + 6) % 24]
        pieces += [hull(*(loop[corner] for loop in around)), hull(*(loop[side] for loop in around))]
    ends = np.array([6 * k + step for k in range(4) for step in (0, 5)])
    return [*pieces, hull(loops[0], loops[5][ends])]


def tray() -> Part:
    """A drafted plastic tray, 130 x 90 x 25 mm."""
    loops = _tray_loops()
    floor = loops[-1]
    outline, inside = loops[0][:, :2], floor[:, :2]
    body = combine(
        cap(outline, float(loops[0][0, 2]), down=True),
        sweep(loops),
        cap(inside, float(floor[0, 2])),
    )
    return Part(
        name="tray",
        summary="Tray. Origin: centre of the bounding box; open above, long side along x.",
        mesh=surface(body),
        collision=_tray_hulls(loops),
        density=1050.0,
        lateral=0.4,
        color=(0.90, 0.55, 0.12),
        discrete=turns(2),
        keypoints={
            "rim_right": (0.0635, 0.0, 0.0125),
            "rim_left": (-0.0635, 0.0, 0.0125),
            "rim_front": (0.0, -0.0435, 0.0125),
            "rim_back": (0.0, 0.0435, 0.0125),
            "floor_center": (0.0, 0.0, -0.0097),
        },
        tags=("plastic", "container", "hollow"),
    )
