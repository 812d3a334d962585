"""What pipes and cables are joined with: elbow, tee, cable gland; and a knob to turn them."""

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.parts.build import (
    Triangles,
    cap,
    combine,
    moved,
    prism,
    ring,
    surface,
    sweep,
    turn,
    walls,
)
from simenv.parts.hulls import Hull, balanced, even_area, hull, prism_hull, turned_hull
from simenv.parts.part import Part, turns
from simenv.parts.polygon import circle, hexagon, inset, rectangle, rounded
from simenv.pose import Matrix

__all__ = ["cable_gland", "knob", "pipe_elbow", "tee_fitting"]

ARC, PIPE, COLLAR, BORE = 0.022, 0.0125, 0.0150, 0.0090  # radii of the elbow
STUB = 0.016  # length of its straight ends: heavy enough that it lies level on both
ELBOW_SEGMENTS = 28
QUADRANTS, CHORDS = 4, 4  # convex pieces around the pipe, outer chords of each


def _station(angle_deg: float, ahead: float = 0.0) -> Matrix:
    """A frame on the elbow's centre line, z along it; ``ahead`` metres further, straight."""
    angle = np.radians(angle_deg)
    out, up = np.array([np.cos(angle), np.sin(angle), 0.0]), np.array([0.0, 0.0, 1.0])
    along = np.cross(up, out)
    return pose.pose(np.column_stack([up, out, along]), ARC * out + ahead * along)


def _around(X: Matrix, radius: float, count: int) -> NDArray[np.float64]:
    return pose.apply(X, ring(circle(radius, count), 0.0))


def _elbow_stations() -> list[tuple[Matrix, float]]:
    """Frames and outer radii from one mouth to the other."""
    edge, neck = 0.0005, 0.001
    ends = [(-STUB, COLLAR - edge), (edge - STUB, COLLAR), (-neck, COLLAR), (-neck / 2, PIPE)]
    start = [(_station(0.0, ahead), radius) for ahead, radius in ends]
    middle = [(_station(angle), PIPE) for angle in np.linspace(0.0, 90.0, 10)]
    return [*start, *middle, *((_station(90.0, -ahead), r) for ahead, r in reversed(ends))]


def _quadrants(rings: list[tuple[Matrix, float, bool]]) -> list[Hull]:
    """Convex pieces around a pipe: a quadrant of all the rings.

    A ring is its frame, its outer radius, and whether the bore's corners belong to the pieces.
    """
    pieces = []
    fan = np.linspace(0.0, 2 * np.pi / QUADRANTS, CHORDS + 1)
    for k in range(QUADRANTS):
        angles = fan + 2 * np.pi * (k + 0.5) / QUADRANTS
        points = []
        for X, radius, with_bore in rings:
            rows = [(balanced(radius, QUADRANTS * CHORDS), angles)]
            rows += [(even_area(BORE, QUADRANTS), angles[[0, -1]])] if with_bore else []
            for r, at in rows:
                flat = r * np.column_stack([np.cos(at), np.sin(at)])
                points.append(pose.apply(X, ring(flat, 0.0)))
        pieces.append(hull(*points))
    return pieces


def _elbow_hulls() -> list[Hull]:
    pieces = []
    for begin, end in [
        (_station(0.0, -STUB), _station(0.0, -0.0007)),
        (_station(90.0, 0.0007), _station(90.0, STUB)),
    ]:
        pieces += _quadrants([(begin, COLLAR, True), (end, COLLAR, True)])
    for first in (0.0, 30.0, 60.0):
        bend = [(first + turn, turn != 15.0) for turn in (0.0, 15.0, 30.0)]
        pieces += _quadrants([(_station(angle), PIPE + 0.0001, end) for angle, end in bend])
    return pieces


def pipe_elbow() -> Part:
    """A 90 degree plastic elbow, 25 mm pipe with 30 mm collars and an 18 mm bore."""
    stations = _elbow_stations()
    outside = [_around(X, radius, ELBOW_SEGMENTS) for X, radius in stations]
    straight = [_station(0.0, -STUB), *(X for X, _ in stations[4:-4]), _station(90.0, STUB)]
    inside = [_around(X, BORE, ELBOW_SEGMENTS) for X in reversed(straight)]
    body = sweep([*outside, *inside], closed=True)
    low, high = body.min(axis=(0, 1)), body.max(axis=(0, 1))
    X = pose.pose(None, -(low + high) / 2)
    mouth = X[:3, 3] + np.array((ARC, -STUB, 0.0))
    return Part(
        name="pipe_elbow",
        summary="Pipe elbow, 90 degrees. Origin: centre of the bounding box; it lies flat, mouths "
        "towards -x and -y.",
        mesh=surface(moved(body, X)),
        collision=[pose.apply(X, piece) for piece in _elbow_hulls()],
        density=1400.0,
        lateral=0.35,
        color=(0.42, 0.45, 0.48),
        discrete=[(180.0, 0.0, 90.0)],
        keypoints={
            "mouth_x_rim": (mouth[1], mouth[0], 0.012),
            "mouth_y_rim": (mouth[0], mouth[1], 0.012),
            "back": X[:3, 3] + (ARC + PIPE) * np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0]),
            "belly": X[:3, 3] + (ARC - PIPE) * np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0]),
        },
        tags=("plastic", "pipe", "hollow"),
    )


HALF, FLAT, ARM = 0.011, 0.0015, 0.009  # tee: half block, its chamfer, radius of the arms
ARM_PROFILE = [
    (ARM, HALF),
    (ARM, 0.0235),
    (0.0082, 0.0245),
    (0.0066, 0.0245),
    (0.0066, 0.0265),
    (0.0042, 0.0265),
    (0.0042, 0.0205),
    (0.0, 0.0205),
]
ARM_TIP = ARM_PROFILE[4][1]
TO_X, TO_MINUS_X, TO_Y = (0.0, 90.0, 0.0), (0.0, -90.0, 0.0), (-90.0, 0.0, 0.0)  # rpy of the arms


def _block() -> Triangles:
    """A chamfered square bar along x with openings for three arms: both ends and the +y side."""
    opening = circle(ARM, 32)
    flat = rectangle(2 * HALF, 2 * HALF)
    outline = rounded(flat, FLAT, steps=1)
    ends = [
        moved(cap(outline, HALF, holes=[opening]), pose.from_rpy_deg(rpy))
        for rpy in (TO_X, TO_MINUS_X)
    ]
    rings = [pose.apply(pose.from_rpy_deg(TO_X), ring(outline, x)) for x in (-HALF, HALF)]
    middle = (rings[0] + np.roll(rings[0], -1, axis=0)) / 2
    side = rectangle(2 * HALF, 2 * (HALF - FLAT))
    window = moved(cap(side, HALF, holes=[opening]), pose.from_rpy_deg(TO_Y))
    return combine(*ends, walls(*rings, without=int(middle[:, 1].argmax())), window)


def tee_fitting() -> Part:
    """A pneumatic push-in tee: a 22 mm block with three arms for 8 mm hoses."""
    arm, arm_hull = (
        turn(ARM_PROFILE, 32),
        turned_hull([(ARM, HALF), (ARM, 0.0235), (0.0066, ARM_TIP)], 10),
    )
    arms = [pose.from_rpy_deg(rpy) for rpy in (TO_X, TO_MINUS_X, TO_Y)]
    offset = np.array([0.0, (HALF - ARM_TIP) / 2, 0.0])
    X = pose.pose(None, offset)
    bar = prism_hull(rounded(rectangle(2 * HALF, 2 * HALF), FLAT, steps=1), -HALF, HALF)
    pieces = [pose.apply(arms[0], bar), *(pose.apply(X_BA, arm_hull) for X_BA in arms)]
    rim = 0.0054  # on the face of the release ring
    return Part(
        name="tee_fitting",
        summary="Push-in tee. Origin: centre of the bounding box; it lies flat, branch towards +y.",
        mesh=surface(moved(combine(_block(), *(moved(arm, X_BA) for X_BA in arms)), X)),
        collision=[pose.apply(X, piece) for piece in pieces],
        density=1350.0,
        lateral=0.35,
        color=(0.16, 0.30, 0.52),
        discrete=[(0.0, 180.0, 0.0)],
        keypoints={
            "branch": offset + np.array((0.0, ARM_TIP, rim)),
            "arm_right": offset + np.array((ARM_TIP, rim, 0.0)),
            "arm_left": offset + np.array((-ARM_TIP, rim, 0.0)),
            "block_back": offset + np.array((0.0, -HALF, 0.0)),
        },
        tags=("plastic", "pipe"),
    )


def cable_gland() -> Part:
    """A cable gland M20: thread below, a 24 mm hexagon, a domed nut with a rubber seal above."""
    low, seat, nut, top, segments = -0.0235, -0.0105, -0.0035, 0.0235, 30
    hexa, thread_top, dome_base = hexagon(0.024), circle(0.009, segments), circle(0.0112, segments)
    thread = [(0.0, low), (0.0085, low), (0.010, low + 0.0015)]
    for z in np.arange(low + 0.0025, seat - 0.003, 0.0025):
        thread += [(0.010, z), (0.0090, z + 0.0012), (0.010, z + 0.0024)]
    thread += [(0.010, seat - 0.0012), (0.009, seat - 0.0008), (0.009, seat)]
    dome = [(0.0112, nut), (0.0112, 0.0075), (0.0106, 0.0135), (0.0092, 0.0190), (0.0072, 0.0225)]
    dome += [(0.0060, top), (0.0048, top), (0.0044, 0.0195), (0.0, 0.0195)]
    body = combine(
        turn(thread, segments),
        prism(hexa, seat, nut, bevel=(0.0007, 0.0007), bottom=[thread_top], top=[dome_base]),
        turn(dome, segments),
    )
    return Part(
        name="cable_gland",
        summary="Cable gland M20. Origin: on the axis, half height; z from thread to dome.",
        mesh=surface(body),
        collision=[
            turned_hull([(0.0088, low), (0.010, low + 0.0015), (0.010, seat)], 10),
            prism_hull(hexa, seat, nut),
            turned_hull([(0.0112, nut), (0.0112, 0.0075), (0.0106, 0.0135)], 10),
            turned_hull([(0.0106, 0.0135), (0.0092, 0.0190), (0.0065, top)], 10),
        ],
        density=1300.0,
        lateral=0.4,
        rolling=0.0015,
        color=(0.22, 0.23, 0.25),
        discrete=turns(6),
        keypoints={
            "thread_end": (0.0, 0.0, low),
            "seal": (0.0, 0.0, 0.0195),
            "hex_corner": (0.024 / np.sqrt(3), 0.0, -0.007),
            "dome": (0.0, 0.0112, 0.002),
        },
        tags=("plastic", "fastener"),
    )


LOBES = 5


def _star() -> NDArray[np.float64]:
    angle = np.linspace(0.0, 2 * np.pi, 12 * LOBES + 1)[:-1]
    radius = 0.0235 + 0.0028 * np.cos(LOBES * angle)
    return np.asarray(radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))


def _lobe_hulls(star: NDArray[np.float64], z0: float, z1: float, edge: float) -> list[Hull]:
    """A wedge a lobe, from the axis to the valleys beside it."""
    pieces = []
    for k in range(LOBES):
        rows = np.arange(12 * k - 6, 12 * k + 7, 2) % len(star)
        wide, narrow = inset(star, -0.0002)[rows], inset(star, edge - 0.0002)[rows]
        axis = np.zeros((1, 2))
        wedge = [ring(np.concatenate([axis, narrow]), z) for z in (z0, z1)]
        pieces.append(hull(*wedge, ring(wide, z0 + edge), ring(wide, z1 - edge)))
    return pieces


def knob() -> Part:
    """A star grip, 52 mm across, on a round boss with a blind thread."""
    low, neck, top, edge = -0.0145, -0.0025, 0.0145, 0.0025
    star, boss = _star(), circle(0.010, 40)
    dish = circle(0.012, 40)
    stem = [(0.0, low + 0.010), (0.004, low + 0.010), (0.004, low), (0.009, low)]
    stem += [(0.010, low + 0.001), (0.010, neck)]
    body = combine(
        turn(stem, 40),
        prism(star, neck, top, bevel=(edge, edge), bottom=[boss], top=[dish]),
        turn([(0.012, top), (0.011, top - 0.0006), (0.0, top - 0.0006)], 40),
    )
    return Part(
        name="knob",
        summary="Star knob with five lobes. Origin: on the axis, half height; z from boss to grip.",
        mesh=surface(body),
        collision=[
            *_lobe_hulls(star, neck, top, edge),
            turned_hull([(0.009, low), (0.010, low + 0.001), (0.010, neck)], 10),
        ],
        density=1250.0,
        lateral=0.45,
        color=(0.78, 0.16, 0.12),
        discrete=turns(LOBES),
        keypoints={
            "cap_center": (0.0, 0.0, top - 0.0006),
            "boss_rim": (0.0, 0.0065, low),
            "lobe": (0.0263, 0.0, 0.006),
            "valley": (-0.0207, 0.0, 0.006),
        },
        tags=("plastic", "machine"),
    )
