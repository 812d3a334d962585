"""What the arms of our own are: arm6, with six axes and 0.85 m reach, and floating, which flies.

Frames of arm6: at zero every joint's frame stands as the base's, and the arm points straight up;
joints 2, 3, 4 turn about y, 1 and 5 about z; the flange looks along y, and its frame has z out.
"""

import numpy as np

from simenv import mesh, pose
from simenv.parts.build import Triangles, combine, moved, rounded_box, surface, turn
from simenv.parts.polygon import circle
from simenv.parts.robot import At, Joint, Link, Robot, Shape

__all__ = ["arm6", "floating"]

SHOULDER, UPPER, FORE = 0.16, 0.42, 0.39  # height of axis 2; axis 2 to 3; axis 3 to 4
WRIST1, WRIST2, WRIST3 = 0.13, 0.10, 0.095  # base to axis 5, axis 4 to 6, axis 5 to the flange
SEGMENTS = 40
HOME = (-0.2544, 0.0245, 1.5075, 0.0388, -1.5708, -0.2544)

GREY, BLUE, DARK = (0.84, 0.85, 0.86), (0.16, 0.36, 0.58), (0.20, 0.21, 0.23)

Profile = list[tuple[float, float]]  # (radius, z) from bottom to top


def _edge(radius: float, z: float, bevel: float, steps: int = 4) -> Profile:
    """The rounded upper edge of a cylinder that ends at ``z``."""
    angles = np.linspace(0.0, np.pi / 2, steps + 1)
    arc = bevel * np.column_stack([np.cos(angles), np.sin(angles)]) + (radius - bevel, z - bevel)
    return [(float(r), float(height)) for r, height in arc]


def _housing(radius: float, z0: float, z1: float, *, lid: float = 0.009) -> Triangles:
    """A joint's housing: it mates at z0, where its edge is bevelled, and has a lid at z1.

    A groove parts lid and housing, as a seam would; ``lid`` is the radius of the lid's edge.
    """
    seam, bevel = z1 - lid - 0.004, 0.0015
    profile = [(0.0, z0), (radius - bevel, z0), (radius, z0 + bevel)]
    profile += [(radius, seam - 0.002), (radius - 0.0018, seam), (radius, seam + 0.002)]
    profile += [*_edge(radius, z1, lid), (0.6 * radius, z1 + 0.0015), (0.0, z1 + 0.0015)]
    return turn(profile, SEGMENTS)


def _stub(radius: float, z1: float) -> Triangles:
    """A round piece from the middle of a housing to a mating face at z1."""
    return turn(
        [(0.0, 0.0), (radius, 0.0), (radius, z1 - 0.0015), (radius - 0.0015, z1), (0.0, z1)],
        SEGMENTS,
    )


def _tube(radii: tuple[float, float], z0: float, z1: float, flare: float = 0.006) -> Triangles:
    """A tapered tube between two housings, wider where it meets them at z0 and z1."""
    low, high = radii
    steps = np.linspace(0.0, 1.0, 5)
    ease = flare * (1.0 - np.sin(steps * np.pi / 2))  # a quarter circle, roughly
    foot = [(low + e, z0 + 0.028 * s) for e, s in zip(ease, steps, strict=True)]
    head = [(high + e, z1 - 0.028 * s) for e, s in zip(ease, steps, strict=True)][::-1]
    ends = ((low + flare, z0 - 0.02), (high + flare, z1 + 0.02))
    profile = [(0.0, ends[0][1]), ends[0], *foot, *head, ends[1], (0.0, ends[1][1])]
    return turn([(float(r), float(z)) for r, z in profile], SEGMENTS)


def _along_y(
    triangles: Triangles, y: float = 0.0, z: float = 0.0, *, back: bool = False
) -> Triangles:
    """What stood on z, laid along y from (0, y, z); ``back``: along -y."""
    return moved(triangles, pose.from_rpy_deg((90.0 if back else -90.0, 0.0, 0.0), (0.0, y, z)))


def _cylinder_y(radius: float, y0: float, y1: float, z: float = 0.0) -> Shape:
    return Shape("cylinder", (radius, y1 - y0), At((0.0, (y0 + y1) / 2, z), (90.0, 0.0, 0.0)))


def _cylinder_z(radius: float, z0: float, z1: float, y: float = 0.0) -> Shape:
    return Shape("cylinder", (radius, z1 - z0), At((0.0, y, (z0 + z1) / 2)))


def _link(
    name: str,
    mass_kg: float,
    *solids: Triangles,
    touch: list[Shape],
    color: tuple[float, float, float],
) -> Link:
    return Link(name, mass_kg, surface=surface(combine(*solids)), touch=touch, color=color)


def _base() -> Link:
    """The foot with its screws and its plug."""
    foot = [(0.0, 0.0), (0.0775, 0.0), (0.079, 0.0015), *_edge(0.079, 0.012, 0.003, 2)]
    flare = [(0.064, 0.0125), (0.0605, 0.020), (0.0590, 0.032)]
    body = [*foot, *flare, (0.0590, 0.0965), (0.0575, 0.098), (0.0, 0.098)]
    head = [(0.0, 0.009), (0.0045, 0.009), (0.0045, 0.0152), (0.0038, 0.016), (0.0, 0.016)]
    screws = [
        moved(turn(head, 12), pose.pose(p_AB=(x, y, 0.0)))
        for x, y in circle(0.0705, 8) @ np.array([[0.9239, 0.3827], [-0.3827, 0.9239]])
    ]
    plug = moved(rounded_box((0.034, 0.046, 0.030), 0.004, 2), pose.pose(p_AB=(-0.056, 0, 0.052)))
    return _link(
        "base",
        3.9,
        turn(body, 48),
        plug,
        *screws,
        touch=[_cylinder_z(0.079, 0.0, 0.013), _cylinder_z(0.06, 0.013, 0.098)],
        color=DARK,
    )


def _shoulder() -> Link:
    return _link(
        "shoulder",
        3.6,
        _housing(0.059, -0.062, 0.068, lid=0.012),
        _along_y(_stub(0.054, 0.070)),
        touch=[_cylinder_z(0.059, -0.062, 0.068), _cylinder_y(0.054, 0.0, 0.070)],
        color=BLUE,
    )


def _upper_arm() -> Link:
    y = 0.124
    return _link(
        "upper_arm",
        7.2,
        _along_y(_housing(0.056, 0.0, 0.124, lid=0.012), 0.070),
        moved(_tube((0.044, 0.040), 0.050, UPPER - 0.044), pose.pose(p_AB=(0.0, y, 0.0))),
        _along_y(_housing(0.051, 0.0, 0.106), 0.078, UPPER),
        touch=[
            _cylinder_y(0.056, 0.070, 0.194),
            _cylinder_z(0.045, 0.0, UPPER, y),
            _cylinder_y(0.051, 0.078, 0.184, UPPER),
        ],
        color=GREY,
    )


def _forearm() -> Link:
    y = 0.026
    return _link(
        "forearm",
        2.6,
        _along_y(_housing(0.049, 0.0, 0.108), 0.078, back=True),
        moved(_tube((0.037, 0.032), 0.044, FORE - 0.034, 0.005), pose.pose(p_AB=(0.0, y, 0.0))),
        _along_y(_housing(0.040, 0.0, 0.090, lid=0.008), 0.066, FORE, back=True),
        touch=[
            _cylinder_y(0.049, -0.030, 0.078),
            _cylinder_z(0.038, 0.0, FORE, y),
            _cylinder_y(0.040, -0.024, 0.066, FORE),
        ],
        color=BLUE,
    )


def _wrist_1() -> Link:
    return _link(
        "wrist_1",
        1.25,
        _along_y(_housing(0.039, 0.0, 0.108, lid=0.008), 0.066 - WRIST1),
        _stub(0.036, 0.052),
        touch=[_cylinder_y(0.039, 0.066 - WRIST1, 0.044), _cylinder_z(0.036, 0.0, 0.052)],
        color=GREY,
    )


def _wrist_2() -> Link:
    return _link(
        "wrist_2",
        1.2,
        _housing(0.039, 0.052 - WRIST2, 0.043, lid=0.008),
        _along_y(_stub(0.036, 0.050)),
        touch=[_cylinder_z(0.039, 0.052 - WRIST2, 0.043), _cylinder_y(0.036, 0.0, 0.050)],
        color=BLUE,
    )


def _wrist_3() -> Link:
    """Its frame is the flange's: z out of the arm, the plane z = 0 is where tools are mounted."""
    z0 = 0.050 - WRIST3
    profile = [(0.0, z0), (0.0355, z0), (0.037, z0 + 0.0015), (0.037, -0.010)]
    profile += [(0.0355, -0.008), (0.033, -0.008), (0.033, -0.001), (0.032, 0.0), (0.0, 0.0)]
    return _link(
        "wrist_3",
        0.25,
        turn(profile, SEGMENTS),
        touch=[_cylinder_z(0.037, z0, -0.001)],
        color=DARK,
    )


def arm6() -> Robot:
    """Six axes with parallel shoulder, elbow and wrist, as small robots for shared work have."""
    full = (-6.283185, 6.283185)
    rows = [  # link, where its joint is in the link before, axis, limits, effort
        (_shoulder(), At((0.0, 0.0, SHOULDER)), (0.0, 0.0, 1.0), full, 150.0),
        (_upper_arm(), At(), (0.0, 1.0, 0.0), full, 150.0),
        (_forearm(), At((0.0, 0.0, UPPER)), (0.0, 1.0, 0.0), (-2.8, 2.8), 150.0),
        (_wrist_1(), At((0.0, WRIST1, FORE)), (0.0, 1.0, 0.0), full, 28.0),
        (_wrist_2(), At((0.0, 0.0, WRIST2)), (0.0, 0.0, 1.0), full, 28.0),
        (_wrist_3(), At((0.0, WRIST3, 0.0), (-90.0, 0.0, 0.0)), (0.0, 0.0, 1.0), full, 28.0),
    ]
    links = [_base(), *(row[0] for row in rows)]
    joints = [
        Joint(
            f"joint_{i}",
            "revolute",
            links[i - 1].name,
            link.name,
            at,
            axis,
            limits,
            effort=effort,
            velocity=3.141593,
        )
        for i, (link, at, axis, limits, effort) in enumerate(rows, start=1)
    ]
    return Robot(
        name="arm6",
        summary="Six axes, 0.85 m reach, 20 kg; a bare arm of the kind that works beside people.",
        links=links,
        joints=joints,
        arm={"joints": [joint.name for joint in joints], "home": list(HOME)},
        flange=At().on("wrist_3"),
    )


def floating() -> Robot:
    """A hand that flies: for tests of grasps, where an arm would only be in the way."""
    along, half_turn = (-2.0, 2.0), (-3.141593, 3.141593)
    rows = [  # name, kind, axis, limits, velocity
        ("x", "prismatic", (1.0, 0.0, 0.0), along, 2.0),
        ("y", "prismatic", (0.0, 1.0, 0.0), along, 2.0),
        ("z", "prismatic", (0.0, 0.0, 1.0), along, 2.0),
        ("yaw", "revolute", (0.0, 0.0, 1.0), (-6.283185, 6.283185), 6.0),
        ("pitch", "revolute", (0.0, 1.0, 0.0), (-1.5, 1.5), 6.0),
        ("roll", "revolute", (1.0, 0.0, 0.0), half_turn, 6.0),
    ]
    cube = mesh.box((0.05, 0.05, 0.05))
    links = [Link("world"), *(Link(f"{row[0]}_link", 0.1, filled=cube) for row in rows)]
    joints = [
        Joint(
            name,
            kind,
            links[i].name,
            links[i + 1].name,
            axis=axis,
            limits=limits,
            effort=2000.0,
            velocity=velocity,
        )
        for i, (name, kind, axis, limits, velocity) in enumerate(rows)
    ]
    return Robot(
        name="floating",
        summary="A flange that flies, without shape: x, y, z, yaw, pitch, roll; down at zero.",
        links=links,
        joints=joints,
        arm={"joints": [row[0] for row in rows], "home": [0.5, 0.0, 0.45, 0.0, 0.0, 0.0]},
        flange=At(rpy_deg=(180.0, 0.0, 0.0)).on("roll_link"),
    )
