"""What is folded from sheet metal: brackets, a channel, a hinge, a spring clip."""

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.parts import prints
from simenv.parts.build import Triangles, combine, moved, surface, turn
from simenv.parts.hulls import Hull, turned_hull
from simenv.parts.part import Part, turns
from simenv.parts.polygon import circle, slot
from simenv.parts.sheet import Bend, Panel, Sheet
from simenv.pose import Matrix

__all__ = ["hinge", "l_bracket", "l_bracket_slotted", "spring_clip", "u_profile"]

STEEL = 7850.0  # kg / m^3
ALUMINIUM = 2700.0


def _centred(triangles: Triangles) -> Matrix:
    """The translation that brings the centre of the bounding box to the origin."""
    corners = triangles.reshape(-1, 3)
    return pose.pose(None, -(corners.min(axis=0) + corners.max(axis=0)) / 2)


def _shift(pieces: list[Hull], X: Matrix) -> list[Hull]:
    return [pose.apply(X, piece) for piece in pieces]


def _bracket(name: str, summary: str, *, second: NDArray[np.float64]) -> Part:
    """Legs of 60 and 40 mm, 40 mm wide, 4 mm thick; ``second`` is the hole next to the bend."""
    foot = Panel(0.053, (circle(0.00425, 20, (0.013, 0.0)), second), corner_radius=0.005)
    wall_holes = tuple(circle(0.0033, 16, (0.020, y)) for y in (-0.011, 0.011))
    sheet = Sheet(0.04, 0.004, (foot, Bend(90.0, 0.003, pieces=2), Panel(0.033, wall_holes, 0.005)))
    body = sheet.triangles()
    X = _centred(body)
    return Part(
        name=name,
        summary=summary,
        mesh=surface(moved(body, X)),
        collision=_shift(sheet.hulls(), X),
        density=STEEL,
        lateral=0.45,
        color=(0.70, 0.71, 0.72),
        keypoints={
            "foot_left": X[:3, 3] + np.array((0.005, 0.02, -0.002)),
            "foot_right": X[:3, 3] + np.array((0.005, -0.02, -0.002)),
            "wall_top": X[:3, 3] + np.array((0.058, 0.0, 0.036)),
            "wall_inside": X[:3, 3] + np.array((0.056, 0.0, 0.012)),
            "foot_top": X[:3, 3] + np.array((0.0225, 0.0, 0.0)),
        },
        tags=("metal", "sheet", "twin"),
        textures=prints.metal("zinc", "brushed"),
    )


def l_bracket() -> Part:
    """An angle bracket with round holes."""
    return _bracket(
        "l_bracket",
        "Angle bracket with round holes. Origin: centre of the bounding box; foot flat below.",
        second=circle(0.00425, 20, (0.036, 0.0)),
    )


def l_bracket_slotted() -> Part:
    """The angle bracket's twin: the hole next to the bend is a slot."""
    return _bracket(
        "l_bracket_slotted",
        "Angle bracket with one slot, the twin of l_bracket. Origin: centre of the bounding box; "
        "foot flat below.",
        second=slot(0.020, 0.0085, (0.036, 0.0), steps=8),
    )


def u_profile() -> Part:
    """An aluminium channel, 40 x 25 x 80 mm, 3 mm thick, open above."""
    half, side = 0.0295 / 2, 0.0195
    web = tuple(slot(0.007, 0.005, (half, y)) for y in (-0.025, 0.025))
    holes = tuple(circle(0.003, 16, (side / 2, y)) for y in (-0.025, 0.0, 0.025))
    edge, bend = Panel(side, holes, 0.002), Bend(90.0, 0.0025, steps=4, pieces=2)
    sheet = Sheet(
        0.08,
        0.003,
        (edge, bend, Panel(2 * half, (*web, circle(0.006, 24, (half, 0.0)))), bend, edge),
    )
    turned = moved(sheet.triangles(), pose.from_rpy_deg((0.0, 90.0, 0.0)))
    X = _centred(turned) @ pose.from_rpy_deg((0.0, 90.0, 0.0))
    return Part(
        name="u_profile",
        summary="Drilled channel profile. Origin: centre of the bounding box; open towards +z.",
        mesh=surface(moved(sheet.triangles(), X)),
        collision=_shift(sheet.hulls(), X),
        density=ALUMINIUM,
        color=(0.78, 0.79, 0.80),
        discrete=turns(2),
        keypoints={
            "web_end": (0.0, 0.0375, -0.0125),
            "web_end_opposite": (0.0, -0.0375, -0.0125),
            "edge_right": (0.01875, 0.030, 0.0125),
            "edge_left": (-0.01875, 0.030, 0.0125),
        },
        tags=("metal", "sheet"),
        textures=prints.metal("brushed", "zinc"),
    )


def hinge() -> Part:
    """One leaf of a butt hinge with its pin: a 50 x 36 mm plate and a rolled barrel."""
    holes = tuple(
        circle(0.0025, 16, (s, y)) for s, y in [(0.009, -0.016), (0.009, 0.016), (0.024, 0.0)]
    )
    eye = Bend(255.0, 0.0025, steps=14)
    sheet = Sheet(0.05, 0.0025, (Panel(0.034, holes, 0.004), eye, Panel(0.0008)))
    knob = [(0.0032, -0.028), (0.0036, -0.0274), (0.0036, -0.0256), (0.0022, -0.0256)]
    pin = [(0.0, -0.028), *knob, *((r, -z) for r, z in reversed(knob)), (0.0, 0.028)]
    X_SP = pose.from_rpy_deg((90.0, 0.0, 0.0), (0.034, 0.0, 0.0025))
    body = combine(sheet.triangles(), moved(turn(pin, 16), X_SP))
    X = _centred(body)
    barrel = turned_hull([(0.005, -0.025), (0.005, 0.025)], 12)
    stub = turned_hull([(0.0034, -0.028), (0.0034, 0.028)], 8)
    return Part(
        name="hinge",
        summary="Hinge leaf with pin. Origin: centre of the bounding box; plate flat below, "
        "y along the pin.",
        mesh=surface(moved(body, X)),
        collision=_shift([sheet.hulls()[0], *(pose.apply(X_SP, p) for p in (barrel, stub))], X),
        density=STEEL,
        color=(0.76, 0.70, 0.52),
        keypoints={
            "pin_end": X[:3, 3] + np.array((0.034, 0.028, 0.0025)),
            "pin_end_opposite": X[:3, 3] + np.array((0.034, -0.028, 0.0025)),
            "plate_edge": X[:3, 3] + np.array((0.0, 0.0, -0.00125)),
            "plate_top": X[:3, 3] + np.array((0.009, 0.0, 0.0)),
        },
        tags=("metal", "sheet"),
        textures=prints.metal("brushed"),
    )


def spring_clip() -> Part:
    """A spring steel clip for an 18 mm rod, 16 mm wide."""
    lip, flare, arm = (
        Panel(0.007),
        Bend(-75.0, 0.0012, steps=4),
        Bend(152.0, 0.009, steps=12, pieces=5),
    )
    seat = Panel(0.008, (circle(0.002, 16, (0.004, 0.0)),))
    sheet = Sheet(0.016, 0.0012, (lip, flare, arm, seat, arm, flare, lip))
    level = pose.from_rpy_deg((0.0, np.degrees(sheet.starts[3][2]), 0.0))  # the seat lies flat
    X = _centred(moved(sheet.triangles(), level)) @ level
    low = sheet.triangles() @ level[:3, :3].T + level[:3, 3]
    height = float(np.ptp(low[..., 2]))
    return Part(
        name="spring_clip",
        summary="Spring clip for a rod. Origin: centre of the bounding box; open towards +z.",
        mesh=surface(moved(sheet.triangles(), X), crease_deg=50.0),
        collision=_shift(sheet.hulls(), X),
        density=STEEL,
        lateral=0.35,
        color=(0.35, 0.37, 0.42),
        discrete=turns(2),
        keypoints={
            "seat_front": (0.0, 0.006, -height / 2),
            "seat_back": (0.0, -0.006, -height / 2),
            "lip_right": pose.apply(X, [sheet.place(6, 1.0, 0.0, 0.0)])[0],
            "lip_left": pose.apply(X, [sheet.place(0, 0.0, 0.0, 0.0)])[0],
        },
        tags=("metal", "sheet", "hollow"),
    )
