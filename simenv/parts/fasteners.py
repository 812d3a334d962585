"""What holds machines together: bolt, nut, washer, spacer, bearing, gears."""

import numpy as np
from numpy.typing import NDArray

from simenv.parts import prints
from simenv.parts.build import bore, cap, combine, prism, ring, surface, turn, walls
from simenv.parts.hulls import Hull, even_area, prism_hull, ring_sectors, turned_hull
from simenv.parts.part import Part, turns
from simenv.parts.polygon import circle, hexagon, inset

__all__ = ["bearing", "gear", "gear_keyed", "hex_bolt", "hex_nut", "spacer", "washer"]

STEEL = 7850.0  # kg / m^3
BRASS = 8500.0
ZINC_GREY = (0.66, 0.68, 0.70)
BOLT_ROUND = 24  # segments of the bolt; its thread has many rings
ROUND = 36  # segments of small round parts; divisible by 6 and 12, so hexagonal symmetry is exact


def hex_bolt() -> Part:
    """M12 x 50 with a 18 mm hexagon head; it stands on its head."""
    low, neck, top, radius = -0.02875, -0.02125, 0.02875, 0.006
    head, shank = hexagon(0.018), circle(radius, BOLT_ROUND)
    thread = [(radius, neck), (radius, -0.0065)]
    for z in np.arange(-0.0065, 0.0255, 0.0027):
        thread += [(0.0052, z + 0.0012), (radius, z + 0.0024)]
    thread += [(radius, top - 0.001), (0.005, top), (0.0, top)]
    body = combine(
        prism(head, low, neck, bevel=(0.0005, 0.0), top=[shank]), turn(thread, BOLT_ROUND)
    )
    return Part(
        name="hex_bolt",
        summary="Hexagon head bolt M12 x 50. Origin: on the axis, half height; z from head to tip.",
        mesh=surface(body),
        collision=[
            prism_hull(head, low, neck),
            turned_hull([(0.0059, neck), (0.0059, top - 0.001), (0.005, top)], 10),
        ],
        density=STEEL,
        color=ZINC_GREY,
        discrete=turns(6),
        keypoints={
            "tip": (0.0, 0.0, top),
            "head_center": (0.0, 0.0, low),
            "head_corner": (0.018 / np.sqrt(3), 0.0, -0.025),
            "neck": (0.0, radius, -0.0165),
        },
        tags=("metal", "fastener"),
        textures=prints.metal("zinc", "black_oxide"),
    )


def hex_nut() -> Part:
    """M12: 18 mm across flats, 10 mm high, both edges chamfered."""
    half, radius, chamfer = 0.005, 0.0052, 0.0005
    outline, hole, mouth = hexagon(0.018), circle(radius, ROUND), circle(radius + chamfer, ROUND)
    body = combine(
        prism(outline, -half, half, bevel=(chamfer, chamfer), top=[mouth], bottom=[mouth]),
        walls(ring(mouth, half), ring(hole, half - chamfer)),
        bore(hole, chamfer - half, half - chamfer),
        walls(ring(hole, chamfer - half), ring(mouth, -half)),
    )
    corners, inner = hexagon(0.018), circle(even_area(radius, 6), 6)
    pieces = [
        prism_hull(np.array([corners[k - 1], corners[k], inner[k], inner[k - 1]]), -half, half)
        for k in range(6)
    ]
    return Part(
        name="hex_nut",
        summary="Hexagon nut M12. Origin: the centre; z along the thread.",
        mesh=surface(body),
        collision=pieces,
        density=STEEL,
        color=ZINC_GREY,
        discrete=turns(6, flips=True),
        keypoints={
            "corner_top": (0.018 / np.sqrt(3), 0.0, half - chamfer),
            "corner_bottom": (0.018 / np.sqrt(3), 0.0, chamfer - half),
            "flat": (0.0, 0.009, 0.0),
            "rim_top": (0.0, 0.0075, half),
        },
        tags=("metal", "fastener"),
        textures=prints.metal("zinc", "black_oxide"),
    )


def _ring(
    *, outer: float, inner: float, height: float, chamfer: float
) -> list[tuple[float, float]]:
    """The closed profile of a flat ring with chamfered outer edges, centred in height."""
    half = height / 2
    rim = [(outer - chamfer, -half), (outer, chamfer - half), (outer, half - chamfer)]
    return [*rim, (outer - chamfer, half), (inner, half), (inner, -half), rim[0]]


def washer() -> Part:
    """M20 plain washer: 37 x 21 x 3 mm."""
    outer, inner, half = 0.0185, 0.0105, 0.0015
    sides = [-half, half]
    return Part(
        name="washer",
        summary="Plain washer M20. Origin: the centre; z along the axis.",
        mesh=surface(turn(_ring(outer=outer, inner=inner, height=0.003, chamfer=0.0004), 48)),
        collision=ring_sectors(
            [(outer, z) for z in sides], [(inner, z) for z in sides], count=8, steps=2
        ),
        density=STEEL,
        color=(0.74, 0.74, 0.73),
        continuous=[(0.0, 0.0, 1.0)],
        discrete=[(180.0, 0.0, 0.0)],
        keypoints={
            "outer_x": (outer, 0.0, 0.0),
            "outer_y": (0.0, outer, 0.0),
            "face_top": (0.0145, 0.0, half),
            "face_bottom": (0.0145, 0.0, -half),
        },
        tags=("metal", "fastener", "flat"),
        textures=prints.metal("zinc", "brushed"),
    )


def spacer() -> Part:
    """A turned brass sleeve, 24 x 30 mm with a 13 mm bore."""
    outer, inner, half = 0.012, 0.0065, 0.015
    sides = [-half, half]
    return Part(
        name="spacer",
        summary="Turned spacer sleeve. Origin: the centre; z along the axis.",
        mesh=surface(turn(_ring(outer=outer, inner=inner, height=0.03, chamfer=0.0005), 40)),
        collision=ring_sectors(
            [(outer, z) for z in sides], [(inner, z) for z in sides], count=6, steps=3
        ),
        density=BRASS,
        lateral=0.35,
        color=(0.80, 0.66, 0.32),
        continuous=[(0.0, 0.0, 1.0)],
        discrete=[(180.0, 0.0, 0.0)],
        keypoints={
            "outer_x": (outer, 0.0, 0.0),
            "outer_y": (0.0, outer, 0.0),
            "rim_top": (0.0092, 0.0, half),
            "rim_bottom": (0.0092, 0.0, -half),
        },
        tags=("metal", "turned"),
    )


def bearing() -> Part:
    """A sealed ball bearing 6001: 28 x 12 x 8 mm, shields set back by 0.6 mm."""
    outer, inner, half, back, chamfer = 0.014, 0.006, 0.004, 0.0006, 0.0005
    upper = [(0.0122, half), (0.0119, half - back), (0.0085, half - back), (0.0082, half)]
    profile = [(outer - chamfer, -half), (outer, chamfer - half), (outer, half - chamfer)]
    profile += [(outer - chamfer, half), *upper, (inner, half), (inner, -half)]
    profile += [(r, -z) for r, z in reversed(upper)] + profile[:1]
    sides = [-half, half]
    return Part(
        name="bearing",
        summary="Sealed ball bearing 28 x 12 x 8 mm. Origin: the centre; z along the axis.",
        mesh=surface(turn(profile, 48)),
        collision=ring_sectors(
            [(outer, z) for z in sides], [(inner, z) for z in sides], count=6, steps=3
        ),
        density=7000.0,
        lateral=0.3,
        color=(0.60, 0.62, 0.66),
        continuous=[(0.0, 0.0, 1.0)],
        discrete=[(180.0, 0.0, 0.0)],
        keypoints={
            "outer_x": (outer, 0.0, 0.0),
            "outer_y": (0.0, outer, 0.0),
            "inner_ring_top": (0.007, 0.0, half),
            "shield_bottom": (0.0, 0.010, back - half),
        },
        tags=("metal", "machine"),
    )


TEETH = 18
ROOT, PITCH, TIP, BORE, HUB = 0.0194, 0.0225, 0.0250, 0.006, 0.011  # radii of the gear, metres
TOOTH_DEG = ((ROOT, 6.8), (PITCH, 4.9), (TIP, 2.4))  # radius, half the tooth's angle there
FACE_LOW, FACE_HIGH, HUB_HIGH = -0.008, 0.003, 0.008  # heights: gear rim, then the hub above it


def _polar(radius: float, angle_deg: float) -> tuple[float, float]:
    angle = np.radians(angle_deg)
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def _teeth() -> NDArray[np.float64]:
    rising = [(radius, -half) for radius, half in TOOTH_DEG]
    flank = rising + [(radius, -half) for radius, half in reversed(rising)]
    return np.array(
        [_polar(r, a + 360.0 * k / TEETH) for k in range(TEETH) for r, a in flank], dtype=np.float64
    )


def _tooth_hulls() -> list[Hull]:
    """One wedge a tooth, from the bore to the tip and to the middle of the gaps beside it."""
    gap = 180.0 / TEETH
    shape = [(even_area(BORE, TEETH), gap), (ROOT * np.cos(np.radians(gap - TOOTH_DEG[0][1])), gap)]
    shape += TOOTH_DEG[1:]
    half = [_polar(r, a) for r, a in shape]
    wedge = np.array([*[(x, -y) for x, y in half], *reversed(half)])
    pieces = []
    for angle in 2 * np.pi * np.arange(TEETH) / TEETH:
        spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        pieces.append(prism_hull(wedge @ spin, FACE_LOW, FACE_HIGH))
    return pieces


def _gear(name: str, summary: str, *, key: bool) -> Part:
    hole = _keyed_bore() if key else circle(BORE, 24)
    lights = [circle(0.0021, 12, _polar(0.0148, 60.0 * k + 30.0)) for k in range(6)]
    hub = circle(HUB, ROUND)
    hub_top = inset(hub, 0.0008)
    body = combine(
        prism(_teeth(), FACE_LOW, FACE_HIGH, holes=lights, bottom=[hole], top=[hub]),
        walls(ring(hub, FACE_HIGH), ring(hub, HUB_HIGH - 0.0008)),
        walls(ring(hub, HUB_HIGH - 0.0008), ring(hub_top, HUB_HIGH)),
        cap(hub_top, HUB_HIGH, holes=[hole]),
        bore(hole, FACE_LOW, HUB_HIGH),
    )
    return Part(
        name=name,
        summary=summary,
        mesh=surface(body),
        collision=[
            *_tooth_hulls(),
            *ring_sectors(
                [(HUB, FACE_HIGH), (HUB, HUB_HIGH)],
                [(BORE, FACE_HIGH), (BORE, HUB_HIGH)],
                count=4,
                steps=3,
            ),
        ],
        density=STEEL,
        lateral=0.35,
        color=(0.56, 0.57, 0.58),
        discrete=[] if key else turns(6),
        keypoints={
            "tooth_tip": (TIP * np.cos(np.radians(2.4)), 0.0, 0.0),
            "tooth_tip_opposite": (-TIP * np.cos(np.radians(2.4)), 0.0, 0.0),
            "hub_rim": (0.0, 0.0085, HUB_HIGH),
            "face_bottom": (0.0, 0.010, FACE_LOW),
        },
        tags=("metal", "machine", "twin"),
        textures=prints.metal("brushed", "black_oxide"),
    )


def _keyed_bore() -> NDArray[np.float64]:
    """The bore with a 4 mm keyway towards +x."""
    side, floor = 0.002, BORE + 0.0021
    start = np.arcsin(side / BORE)
    angle = np.linspace(start, 2 * np.pi - start, 23)
    arc = BORE * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.concatenate([[[floor, -side], [floor, side]], arc])


def gear() -> Part:
    """A spur gear, module 2.5, 18 teeth, with a hub and a plain 12 mm bore."""
    return _gear(
        "gear",
        "Spur gear with a plain bore. Origin: on the axis, half height; z towards the hub.",
        key=False,
    )


def gear_keyed() -> Part:
    """The gear's twin: a keyway in the bore, which takes all symmetry away."""
    return _gear(
        "gear_keyed",
        "Spur gear with a keyway, the twin of gear. Origin: on the axis, half height; "
        "x towards the keyway, z towards the hub.",
        key=True,
    )
