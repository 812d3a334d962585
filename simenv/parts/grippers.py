"""What the grippers are: a wide jaw, the jaw that the engine's data has meshes of, a suction cup.

The root's frame is the flange's, z out of the arm; jaws close along x. Fingers are one body, drawn
twice: the left one is turned by half a turn about z. At zero they are closed.
"""

from typing import Any

import numpy as np

from simenv import mesh, pose
from simenv.parts.build import Triangles, cap, combine, moved, prism, ring, surface, sweep, turn
from simenv.parts.part import SOURCE
from simenv.parts.polygon import rectangle, rounded
from simenv.parts.robot import At, Joint, Link, Robot, Shape

__all__ = ["cup", "jaw85", "wsg50"]

RUBBER = {"lateral": 1.0, "rolling": 0.001, "spinning": 0.01}
GREY, DARK, STEEL, BLUE = (
    (0.80, 0.81, 0.82),
    (0.17, 0.18, 0.19),
    (0.62, 0.63, 0.65),
    (0.13, 0.38, 0.62),
)


def _fingers(root: str, travel: float, effort: float, velocity: float) -> list[Joint]:
    """Both fingers' joints: each moves out along its own x."""
    return [
        Joint(
            f"{side}_joint",
            "prismatic",
            root,
            f"{side}_finger",
            At(rpy_deg=(0.0, 0.0, yaw)),
            axis=(1.0, 0.0, 0.0),
            limits=(0.0, travel),
            effort=effort,
            velocity=velocity,
        )
        for side, yaw in (("left", 180.0), ("right", 0.0))
    ]


def _jaw(root: str, grasp_z: float, travel: float, force: float, speed: float) -> dict[str, Any]:
    return {
        "kind": "jaw",
        "grasp": At((0.0, 0.0, grasp_z)).on(root),
        "joints": {"left_joint": [0.0, travel], "right_joint": [0.0, travel]},
        "opening_m": [0.0, 2 * travel],
        "force_n": force,
        "speed_m_s": speed,
        "pads": ["left_finger", "right_finger"],
    }


def _box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Shape:
    """The box between two corners."""
    size = tuple(round(b - a, 6) for a, b in zip(low, high, strict=True))
    x, y, z = (round((a + b) / 2, 6) for a, b in zip(low, high, strict=True))
    return Shape("box", size, At((x, y, z)))


def _cylinder(radius: float, z0: float, z1: float) -> Shape:
    return Shape("cylinder", (radius, round(z1 - z0, 6)), At((0.0, 0.0, round((z0 + z1) / 2, 6))))


# jaw85: the palm is the rail's top; the pads are the last 26 mm of fingers that reach 77 mm.
PALM, TIP, PAD, TRAVEL = 0.088, 0.165, 0.026, 0.0425
PAD_WIDTH, PAD_THICK, BLADE = 0.022, 0.005, 0.018


def _jaw85_body() -> Triangles:
    """A flange, a body that widens to the rail, the rail."""
    plate = [(0.0, 0.0), (0.0365, 0.0), (0.038, 0.0015), (0.038, 0.010), (0.034, 0.0125)]
    flange = turn([*plate, (0.031, 0.016), (0.0, 0.016)], 48)
    sizes = [  # width, depth, z
        (0.064, 0.058, 0.013),
        (0.068, 0.062, 0.015),
        (0.086, 0.066, 0.026),
        (0.142, 0.066, 0.044),
        (0.148, 0.066, 0.049),
        (0.148, 0.066, 0.0775),
        (0.144, 0.062, 0.0795),
    ]
    rings = [ring(rounded(rectangle(width, depth), 0.014, 5), z) for width, depth, z in sizes]
    bottom = cap(rings[0][:, :2], sizes[0][2], down=True)
    body = combine(bottom, sweep(rings), cap(rings[-1][:, :2], sizes[-1][2]))
    rail = prism(rectangle(0.140, 0.020), 0.075, PALM, bevel=(0.0, 0.001))
    return combine(flange, body, rail)


def _side(outline: list[tuple[float, float]], width: float, bevel: float = 0.001) -> Triangles:
    """An outline (N, 2) of x, z, counter-clockwise seen from -y, as wide as ``width`` in y."""
    half = width / 2
    body = prism(np.array(outline), -half, half, bevel=(bevel, bevel))
    return moved(body, pose.from_rpy_deg((90.0, 0.0, 0.0)))


def _jaw85_finger() -> Link:
    """The right finger: a carriage on the rail, a blade, a rubber pad whose face is x = 0."""
    back = PAD_THICK + 0.012
    carriage = _side(
        [(0.002, 0.0835), (0.034, 0.0835), (0.034, 0.098), (0.030, 0.102), (0.002, 0.102)], 0.046
    )
    blade = _side(
        [
            (PAD_THICK, 0.100),
            (0.030, 0.100),
            (back + 0.004, 0.116),
            (back, 0.132),
            (back, TIP - 0.006),
            (back - 0.005, TIP),
            (PAD_THICK, TIP),
        ],
        BLADE,
    )
    X = pose.from_rpy_deg((0.0, -90.0, 0.0), (0.0, 0.0, TIP - 0.001 - PAD / 2))
    outline = rounded(rectangle(PAD, PAD_WIDTH), 0.002, 3)  # z to x, x to -z
    pad = moved(prism(outline, -PAD_THICK - 0.001, 0.0, bevel=(0.0, 0.0005)), X)
    half = BLADE / 2
    return Link(
        "right_finger",
        0.11,
        surface=surface(combine(carriage, blade, pad)),
        drawn="finger",
        touch=[
            _box((0.002, -0.023, 0.0835), (0.034, 0.023, 0.102)),
            _box((PAD_THICK, -half, 0.100), (back + 0.004, half, 0.132)),
            _box((PAD_THICK, -half, 0.132), (back, half, TIP)),
            _box(
                (0.0, -PAD_WIDTH / 2, TIP - 0.001 - PAD),
                (PAD_THICK, PAD_WIDTH / 2, TIP - 0.001),
            ),
        ],
        color=DARK,
    )


def _mirrored(right: Link) -> Link:
    """The left finger: the same body under another name."""
    return Link(
        "left_finger",
        right.mass_kg,
        filled=right.filled,
        surface=right.surface,
        drawn=right.drawn,
        shown=right.shown,
        touch=right.touch,
        color=right.color,
    )


def jaw85() -> Robot:
    """A parallel jaw that opens 85 mm."""
    finger = _jaw85_finger()
    body = Link(
        "body",
        0.9,
        surface=surface(_jaw85_body()),
        touch=[
            _cylinder(0.038, 0.0, 0.015),
            _box((-0.043, -0.033, 0.013), (0.043, 0.033, 0.044)),
            _box((-0.074, -0.033, 0.040), (0.074, 0.033, 0.0795)),
            _box((-0.070, -0.010, 0.0795), (0.070, 0.010, PALM)),
        ],
        color=GREY,
    )
    return Robot(
        name="jaw85",
        summary="Parallel jaw, 85 mm, with rubber pads of 22 x 26 mm.",
        links=[body, _mirrored(finger), finger],
        joints=_fingers("body", TRAVEL, effort=125.0, velocity=0.15),
        gripper=_jaw("body", round(TIP - 0.001 - PAD / 2, 6), TRAVEL, 40.0, 0.1),
        friction={"left_finger": RUBBER, "right_finger": RUBBER},
    )


def wsg50() -> Robot:
    """The outline of a Schunk WSG 50, seen by the meshes of the engine's data."""
    meshes = "package://pybullet_data/gripper/meshes"
    pad = 0.003  # the finger's pad stands out of the guide's front by this
    finger = Link(
        "right_finger",
        0.13,
        filled=mesh.box((0.016, 0.022, 0.090)).moved(pose.pose(p_AB=(0.010, 0.0, 0.108))),
        shown=[
            # Both face +x: half a turn makes them the right finger.
            Shape(
                "mesh",
                (0.001, 0.001, 0.001),
                At((pad, 0.0, 0.0), (0.0, 0.0, 180.0)),
                f"{meshes}/GUIDE_WSG50_110.stl",
            ),
            Shape(
                "mesh",
                (0.001, 0.001, 0.001),
                At((pad, 0.0, 0.023), (0.0, 0.0, 180.0)),
                f"{meshes}/WSG-FMF.stl",
            ),
        ],
        touch=[
            _box((pad, -0.015, 0.0735), (pad + 0.018, 0.015, 0.0985)),
            _box((pad, -0.010, 0.0985), (pad + 0.011, 0.010, 0.1535)),
            _box((0.0, -0.0095, 0.1335), (pad, 0.0095, 0.1535)),
        ],
        color=STEEL,
    )
    body = Link(
        "body",
        0.94,
        filled=mesh.box((0.146, 0.050, 0.0725)).moved(pose.pose(p_AB=(0.0, 0.0, 0.03625))),
        shown=[Shape("mesh", (1.0, 1.0, 1.0), file=f"{meshes}/WSG50_110.stl")],
        touch=[_box((-0.073, -0.025, 0.0), (0.073, 0.025, 0.0725))],
        color=DARK,
    )
    return Robot(
        name="wsg50",
        summary="Schunk WSG 50-110 with its standard fingers: parallel jaw, 104 mm.",
        links=[body, _mirrored(finger), finger],
        joints=_fingers("body", 0.052, effort=80.0, velocity=0.42),
        gripper=_jaw("body", 0.1435, 0.052, 40.0, 0.1),
        friction={side: {**RUBBER, "lateral": 0.8} for side in ("left_finger", "right_finger")},
        source=f"URDF {SOURCE} (Apache-2.0); meshes of pybullet_data/gripper, whose licence is not "
        "stated: referenced, never copied",
        license="NOASSERTION",
    )


# cup
STEM_END, LIP = 0.090, 0.0095


def _bellows() -> Triangles:
    """Two and a half folds, the lip, and the hollow under it; z from the stem to the lip."""
    folds = []
    for k in range(3):
        z = 0.006 + 0.008 * k
        folds += [(0.0066, z), (0.0084, z + 0.0028), (0.0088, z + 0.004), (0.0084, z + 0.0052)]
    neck = [(0.0, 0.0), (0.0056, 0.0), (0.0062, 0.0008), (0.0062, 0.0045)]
    lip = [(0.0070, 0.0295), (0.0083, 0.0322), (LIP, 0.0346), (LIP, 0.035), (LIP - 0.0008, 0.035)]
    hollow = [(0.0066, 0.0310), (0.0042, 0.0290), (0.0, 0.0285)]
    return turn([*neck, *folds, *lip, *hollow], 40)


def cup() -> Robot:
    """A suction cup on a long stem."""
    flange = [(0.0, 0.0), (0.0305, 0.0), (0.032, 0.0015), (0.032, 0.008), (0.030, 0.010)]
    block = [(0.0235, 0.010), (0.0235, 0.042), (0.0205, 0.046), (0.0105, 0.052)]
    stem = [(0.0075, 0.053), (0.0075, 0.084), (0.0085, 0.085), (0.0085, STEM_END), (0.0, STEM_END)]
    hose = [(0.0, 0.0), (0.0075, 0.0), (0.0075, 0.030), (0.0055, 0.031), (0.0055, 0.038)]
    port = moved(
        turn([*hose, (0.0045, 0.039), (0.0, 0.039)], 24),
        pose.from_rpy_deg((0.0, 90.0, 0.0), (0.0, 0.0, 0.028)),
    )
    body = Link(
        "body",
        0.18,
        surface=surface(combine(turn([*flange, *block, *stem], 40), port)),
        touch=[
            _cylinder(0.032, 0.0, 0.010),
            _cylinder(0.0235, 0.010, 0.048),
            _cylinder(0.0085, 0.048, STEM_END),
            _box((0.020, -0.0075, 0.0205), (0.039, 0.0075, 0.0355)),
        ],
        color=GREY,
    )
    bellows = Link(
        "cup",
        0.02,
        surface=surface(_bellows()),
        touch=[_cylinder(0.0089, 0.0, 0.030), _cylinder(LIP, 0.030, 0.0335)],  # the lip is soft
        color=BLUE,
    )
    return Robot(
        name="cup",
        summary="Suction cup with bellows, 19 mm wide, on a stem that reaches 125 mm.",
        links=[body, bellows],
        joints=[Joint("cup_joint", "fixed", "body", "cup", At((0.0, 0.0, STEM_END)))],
        gripper={
            "kind": "vacuum",
            "grasp": At((0.0, 0.0, 0.035)).on("cup"),
            "radius_m": LIP,
            "force_n": 17.0,
            "gap_m": 0.003,
        },
        friction={"cup": RUBBER},
    )
