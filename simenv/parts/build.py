"""How surfaces of parts are made: prisms, turned bodies and sweeps, as loose outward triangles.

Every function returns triangles (T, 3, 3); patches that meet share their corner positions, so that
joined patches close. `surface` welds them into a `Mesh` with normals and UVs.
"""

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simenv import mesh, pose
from simenv.mesh import Mesh
from simenv.parts.polygon import inset, triangulate
from simenv.pose import Matrix

__all__ = [
    "Triangles",
    "bore",
    "cap",
    "combine",
    "fan",
    "moved",
    "prism",
    "ring",
    "rounded_box",
    "surface",
    "sweep",
    "turn",
    "walls",
]

Triangles: TypeAlias = NDArray[np.float64]  # (T, 3, 3) corners, counter-clockwise from outside
Loop: TypeAlias = NDArray[np.float64]  # (N, 2) polygon, or (N, 3) ring in space

GRID = 6  # decimals of a metre: vertices lie on a 1 um grid, so that files are the same everywhere


def ring(loop: Loop, z: float) -> Loop:
    """A polygon (N, 2) lifted to height ``z``, (N, 3)."""
    return np.column_stack([loop, np.full(len(loop), z)])


def walls(lower: Loop, upper: Loop, *, without: int | None = None) -> Triangles:
    """The band between two closed rings (N, 3); outward where they run counter-clockwise.

    Where the quads are not flat, the diagonal is the shorter one: it follows the curve best.
    ``without`` leaves out the quad that begins at that row.
    """
    a, b = lower, np.roll(lower, -1, axis=0)
    c, d = np.roll(upper, -1, axis=0), upper
    quads = np.stack([a, b, c, d], axis=1)
    if without is not None:
        quads = np.delete(quads, without, axis=0)
    along = np.linalg.norm(quads[:, 0] - quads[:, 2], axis=1)
    across = np.linalg.norm(quads[:, 1] - quads[:, 3], axis=1)
    turned = np.where((across < along - 1e-9)[:, None, None], np.roll(quads, -1, axis=1), quads)
    return np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])


def bore(loop: Loop, z0: float, z1: float) -> Triangles:
    """The wall of a hole, seen from inside the hole."""
    return walls(ring(loop, z1), ring(loop, z0))


def cap(outline: Loop, z: float, *, holes: Sequence[Loop] = (), down: bool = False) -> Triangles:
    """A flat face at height ``z`` that looks up (or ``down``), with ``holes`` left open."""
    points, faces = triangulate(outline, holes)
    return ring(points, z)[faces[:, ::-1] if down else faces]


def prism(
    outline: Loop,
    z0: float,
    z1: float,
    *,
    bevel: tuple[float, float] = (0.0, 0.0),
    holes: Sequence[Loop] = (),
    bottom: Sequence[Loop] = (),
    top: Sequence[Loop] = (),
) -> Triangles:
    """A straight body over ``outline`` (N, 2) from z0 to z1.

    ``holes`` go through; ``bottom`` and ``top`` are openings of one face only, without a wall,
    where another patch goes on. ``bevel`` is the 45 degree chamfer of the lower and the upper edge.
    """
    low, high = (inset(outline, width) if width else outline for width in bevel)
    rings = [ring(low, z0), ring(outline, z0 + bevel[0]), ring(outline, z1 - bevel[1])]
    rings.append(ring(high, z1))
    kept = [
        rings[0],
        *(rings[1:2] if bevel[0] else []),
        *(rings[2:3] if bevel[1] else []),
        rings[3],
    ]
    return combine(
        cap(low, z0, holes=[*holes, *bottom], down=True),
        cap(high, z1, holes=[*holes, *top]),
        *(walls(a, b) for a, b in itertools.pairwise(kept)),
        *(bore(hole, z0, z1) for hole in holes),
    )


def turn(profile: ArrayLike, segments: int = 48) -> Triangles:
    """A body of revolution about z: (radius, z) points from bottom to top on the outside."""
    spun = mesh.revolve(np.asarray(profile, dtype=np.float64), segments)
    return np.asarray(spun.vertices[spun.faces])


def sweep(rings: Sequence[Loop], *, closed: bool = False) -> Triangles:
    """The skin over successive rings (N, 3) of equal length; ``closed`` joins last and first."""
    following = [*rings[1:], rings[0]] if closed else rings[1:]
    return combine(*(walls(a, b) for a, b in zip(rings, following, strict=False)))


def fan(loop: Loop) -> Triangles:
    """A convex flat ring (N, 3), filled; counter-clockwise is outside."""
    rows = np.arange(1, len(loop) - 1)
    return loop[np.column_stack([np.zeros_like(rows), rows, rows + 1])]


def moved(triangles: Triangles, X_AB: Matrix) -> Triangles:
    """Triangles given in frame B, expressed in frame A."""
    return np.asarray(pose.apply(X_AB, triangles.reshape(-1, 3)).reshape(-1, 3, 3))


def combine(*patches: Triangles) -> Triangles:
    """All triangles of the patches, in order."""
    return np.concatenate(patches)


def rounded_box(size: ArrayLike, radius: float, steps: int) -> Triangles:
    """A box centred on the origin with filleted edges; faces in the order -y +x +y -x +z -z.

    Each face is a grid that reaches half around its fillets in ``steps``, (T / 6) triangles each.
    """
    half = np.asarray(size, dtype=np.float64) / 2
    inner = half - radius
    bend = np.tan(np.linspace(0.0, np.pi / 4, steps + 1))  # even angles along the fillet
    faces = []
    for right, up in FACE_AXES:
        normal = np.cross(right, up)
        u, v = (
            np.concatenate([-bend[::-1] * radius - half_in, half_in + bend * radius])
            for half_in in (np.abs(right) @ inner, np.abs(up) @ inner)
        )
        grid = u[None, :, None] * right + v[:, None, None] * up + (np.abs(normal) @ half) * normal
        core = np.clip(grid, -inner, inner)
        offset = grid - core
        grid = core + radius * offset / np.linalg.norm(offset, axis=2, keepdims=True)
        faces.append(_grid_triangles(grid))
    return combine(*faces)


FACE_AXES = tuple(
    (np.array(right, dtype=np.float64), np.array(up, dtype=np.float64))
    for right, up in [
        ((1, 0, 0), (0, 0, 1)),
        ((0, 1, 0), (0, 0, 1)),
        ((-1, 0, 0), (0, 0, 1)),
        ((0, -1, 0), (0, 0, 1)),
        ((1, 0, 0), (0, 1, 0)),
        ((1, 0, 0), (0, -1, 0)),
    ]
)  # what is right and up for someone who looks at each face of a box: -y +x +y -x +z -z


def _grid_triangles(grid: NDArray[np.float64]) -> Triangles:
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    lower, upper = np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)
    return np.concatenate([lower.reshape(-1, 3, 3), upper.reshape(-1, 3, 3)])


def surface(
    triangles: Triangles, *, uvs: NDArray[np.float64] | None = None, crease_deg: float = 35.0
) -> Mesh:
    """One mesh: smooth where faces meet at less than ``crease_deg``, sharp elsewhere.

    ``uvs`` (T, 3, 2) are those of the triangles' corners; without them, each face is projected
    along its main axis, at one scale that fits the largest extent into 0..1.
    """
    # First to 1 nm: corners that differ in their last bits then round to the same side.
    triangles = np.round(np.round(triangles, 9), GRID) + 0.0  # + 0.0: no negative zeros
    crosses = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    kept = np.linalg.norm(crosses, axis=1) > 1e-14  # the points of a turned body
    triangles, crosses = triangles[kept], crosses[kept]
    corners = np.concatenate(
        [
            triangles.reshape(-1, 3),
            np.round(_corner_normals(triangles, crosses, crease_deg), 5).reshape(-1, 3) + 0.0,
            np.round(_projected(triangles, crosses) if uvs is None else uvs[kept], 5).reshape(
                -1, 2
            ),
        ],
        axis=1,
    )
    rows, faces = np.unique(corners, axis=0, return_inverse=True)
    return Mesh(rows[:, :3], rows[:, 3:6], rows[:, 6:], faces.reshape(-1, 3).astype(np.int32))


def _corner_normals(
    triangles: Triangles, crosses: NDArray[np.float64], crease_deg: float
) -> NDArray[np.float64]:
    """Mean of the faces around each corner that are within the crease angle, (T, 3, 3).

    Weighted by area, so that flat faces stay flat beside narrow fillets, and by the angle at the
    corner, so that it does not matter which diagonal splits a quad.
    """
    units = crosses / np.linalg.norm(crosses, axis=1, keepdims=True)
    weighted = (crosses[:, None] * _angles(triangles)[..., None]).reshape(-1, 3)
    _, at = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    at = at.reshape(-1)
    around: list[list[int]] = [[] for _ in range(int(at.max()) + 1)]
    for corner, vertex in enumerate(at):
        around[vertex].append(corner)
    normals = np.empty((len(at), 3))
    for corner, vertex in enumerate(at):
        others = np.array(around[vertex])
        near = units[others // 3] @ units[corner // 3] > np.cos(np.radians(crease_deg))
        normals[corner] = weighted[others[near]].sum(axis=0)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals.reshape(-1, 3, 3)


def _angles(triangles: Triangles) -> NDArray[np.float64]:
    """The inner angle at each corner, (T, 3) radians."""
    ahead = np.roll(triangles, -1, axis=1) - triangles
    back = np.roll(triangles, 1, axis=1) - triangles
    sine = np.linalg.norm(np.cross(ahead, back), axis=2)
    return np.asarray(np.arctan2(sine, np.sum(ahead * back, axis=2)))


def _projected(triangles: Triangles, crosses: NDArray[np.float64]) -> NDArray[np.float64]:
    low = triangles.min(axis=(0, 1))
    scaled = (triangles - low) / (triangles.max(axis=(0, 1)) - low).max()
    axes = np.array([[1, 2], [0, 2], [0, 1]])[np.abs(crosses).argmax(axis=1)]
    return np.take_along_axis(scaled, axes[:, None, :].repeat(3, axis=1), axis=2)
