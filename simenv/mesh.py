"""What a surface is: a triangle mesh with normals and UVs, the primitives, and OBJ files.

Bullet's own primitive visuals are wrong (boxes with sphere-like normals, an 80 mm sphere up to
46 mm off in depth), so boxes, cylinders and spheres are meshes here, like everything else.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv.pose import Matrix

__all__ = [
    "Mesh",
    "box",
    "cylinder",
    "diameter",
    "hull",
    "is_closed",
    "join",
    "load",
    "load_groups",
    "load_obj",
    "load_obj_groups",
    "mass_properties",
    "quad",
    "revolve",
    "save_obj",
    "signed_volume",
    "sphere",
    "weld",
]

MAX_TRIANGLES = 200_000  # of a file, unless a reader says how many it can take
MAX_GROUPS = 10_000
FARTHEST = 1e9  # of a coordinate; squares and cubes of it are still numbers
MANY_POINTS = 3000  # all pairs of so many take as long as their hull


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with per-corner attributes; faces are counter-clockwise seen from outside."""

    vertices: NDArray[np.float64]  # (V, 3) metres, body frame
    normals: NDArray[np.float64]  # (V, 3) unit length
    uvs: NDArray[np.float64]  # (V, 2) v grows upwards in the image
    faces: NDArray[np.int32]  # (T, 3) rows of vertices

    @property
    def sha256(self) -> str:
        """Digest of the geometry as it is stored in datasets (float32 vertices, int32 faces)."""
        digest = hashlib.sha256(self.vertices.astype("<f4").tobytes())
        digest.update(self.faces.astype("<i4").tobytes())
        return digest.hexdigest()

    @property
    def extents(self) -> NDArray[np.float64]:
        """Size of the axis-aligned bounding box, (3,) metres."""
        return np.asarray(np.ptp(self.vertices, axis=0))

    @property
    def center(self) -> NDArray[np.float64]:
        """Middle of the axis-aligned bounding box, (3,) metres."""
        return np.asarray((self.vertices.min(axis=0) + self.vertices.max(axis=0)) / 2)

    def moved(self, X_AB: Matrix) -> "Mesh":
        """The same surface, given in frame B, expressed in frame A."""
        R_AB = X_AB[:3, :3]
        return Mesh(
            self.vertices @ R_AB.T + X_AB[:3, 3], self.normals @ R_AB.T, self.uvs, self.faces
        )

    def scaled(self, factors: Sequence[float]) -> "Mesh":
        """The same surface with its axes stretched by three positive factors."""
        if tuple(factors) == (1.0, 1.0, 1.0):
            return self
        normals = self.normals / np.asarray(factors)
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        return Mesh(self.vertices * np.asarray(factors), normals, self.uvs, self.faces)


def join(*meshes: Mesh) -> Mesh:
    """One mesh with all the triangles, in order."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.uvs for mesh in meshes]),
        np.concatenate(
            [mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=False)]
        ).astype(np.int32),
    )


def quad(size_x: float, size_y: float, repeat_m: float | None = None) -> Mesh:
    """A rectangle in the plane z = 0 facing +z; ``repeat_m`` tiles the texture at that period."""
    x, y = size_x / 2, size_y / 2
    vertices = np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]], dtype=np.float64)
    uvs = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float64)
    if repeat_m is not None:
        uvs = uvs * (size_x / repeat_m, size_y / repeat_m)
    faces = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
    return Mesh(vertices, np.tile([0.0, 0.0, 1.0], (4, 1)), uvs, faces)


def box(size: tuple[float, float, float], repeat_m: float | None = None) -> Mesh:
    """A box centred on the origin, each face its own quad (flat normals, whole-face UVs)."""
    x, y, z = size
    faces = []
    for axis, (width, height, depth) in enumerate([(y, z, x), (z, x, y), (x, y, z)]):
        for sign in (1.0, -1.0):
            face = quad(width, height, repeat_m).moved(_lift(depth / 2))
            columns = np.roll(np.eye(3), axis + 1, axis=0)  # face x, y, z -> box axes
            if sign < 0:
                columns = columns @ np.diag([-1.0, 1.0, -1.0])
            X = np.eye(4)
            X[:3, :3] = columns
            faces.append(face.moved(X))
    return join(*faces)


def _lift(z: float) -> Matrix:
    X = np.eye(4)
    X[2, 3] = z
    return X


def revolve(profile: NDArray[np.float64], segments: int = 32, crease_deg: float = 35.0) -> Mesh:
    """Spin a profile (P, 2) of (radius, z), listed from bottom to top on the outside, about z.

    Corners sharper than ``crease_deg`` get two normals. u runs around, v along the profile.
    """
    profile = np.asarray(profile, dtype=np.float64)
    steps = np.diff(profile, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    outward = np.column_stack([steps[:, 1], -steps[:, 0]]) / lengths[:, None]  # (r, z) normals
    angle = np.linspace(0.0, 2 * np.pi, segments + 1)
    cos, sin = np.cos(angle), np.sin(angle)
    along = np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum()
    corners = np.einsum("ij,ij->i", outward[:-1], outward[1:]) > np.cos(np.radians(crease_deg))
    parts = []
    for i in range(len(steps)):
        before = outward[i - 1] + outward[i] if i > 0 and corners[i - 1] else outward[i]
        after = outward[i] + outward[i + 1] if i < len(corners) and corners[i] else outward[i]
        ends = [
            (profile[i], before / np.linalg.norm(before), along[i]),
            (profile[i + 1], after / np.linalg.norm(after), along[i + 1]),
        ]
        rings = [
            (
                np.column_stack([r * cos, r * sin, np.full_like(cos, z)]),
                np.column_stack([nr * cos, nr * sin, np.full_like(cos, nz)]),
                np.column_stack([angle / (2 * np.pi), np.full_like(cos, v)]),
            )
            for (r, z), (nr, nz), v in ends
        ]
        a = np.arange(segments)
        b = a + segments + 1
        lower = np.column_stack([a, a + 1, b + 1])
        upper = np.column_stack([a, b + 1, b])
        faces = [lower] if profile[i + 1, 0] == 0 else [upper] if profile[i, 0] == 0 else None
        if profile[i + 1, 0] == 0 and profile[i, 0] == 0:
            continue
        parts.append(
            Mesh(
                np.concatenate([rings[0][0], rings[1][0]]),
                np.concatenate([rings[0][1], rings[1][1]]),
                np.concatenate([rings[0][2], rings[1][2]]),
                np.concatenate(faces or [lower, upper]).astype(np.int32),
            )
        )
    return join(*parts)


def cylinder(radius: float, length: float, segments: int = 48) -> Mesh:
    """A closed cylinder along z, centred on the origin."""
    z = length / 2
    return revolve(np.array([[0, -z], [radius, -z], [radius, z], [0, z]]), segments)


def sphere(radius: float, segments: int = 48) -> Mesh:
    """A sphere centred on the origin, with smooth normals."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
    profile = radius * np.column_stack([np.cos(latitude), np.sin(latitude)])
    profile[[0, -1], 0] = 0.0
    mesh = revolve(profile, segments, crease_deg=180.0)
    return Mesh(mesh.vertices, mesh.vertices / radius, mesh.uvs, mesh.faces)


def save_obj(path: Path, mesh: Mesh, *, material: str | None = None) -> None:
    """Write ``mesh`` as Wavefront OBJ; ``material`` is ``"file.mtl:name"`` of an MTL beside it."""
    lines = []
    if material is not None:
        library, name = material.split(":")
        lines += [f"mtllib {library}", f"usemtl {name}"]
    lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices]
    lines += [f"vt {u:.7g} {v:.7g}" for u, v in mesh.uvs]
    lines += [f"vn {x:.7g} {y:.7g} {z:.7g}" for x, y, z in mesh.normals]
    lines += [f"f {a}/{a}/{a} {b}/{b}/{b} {c}/{c}/{c}" for a, b, c in mesh.faces + 1]
    path.write_text("\n".join(lines) + "\n")


def load(path: Path) -> Mesh:
    """Read an OBJ or STL file as one mesh; see `load_groups`."""
    return join(*load_groups(path))


def load_groups(path: Path, *, most: int = MAX_TRIANGLES) -> list[Mesh]:
    """Read an OBJ file, or an STL file as one group with a normal for each face.

    Raises:
        ValueError: if the file is neither, is malformed, or has more than ``most`` triangles.
    """
    suffix = path.suffix.lower()
    if suffix == ".obj":
        return load_obj_groups(path, most=most)
    if suffix != ".stl":
        raise ValueError(f"{path.name} is neither OBJ nor STL; export it as one of them")
    import trimesh  # takes a second to import; only STL needs it

    try:
        with path.open("rb") as file:
            read = trimesh.load_mesh(file, file_type="stl", process=False)
    except Exception as error:  # a broken file ends in many ways, none of them documented
        raise ValueError(f"{path.name} is no STL file; export it again") from error
    corners = np.asarray(read.vertices, dtype=np.float64)[np.asarray(read.faces)]  # (T, 3, 3)
    if not len(corners) or not (np.abs(corners) <= FARTHEST).all():  # NaN is not, either
        raise ValueError(f"{path.name} has no triangles, or numbers that are not finite")
    if len(corners) > most:
        raise ValueError(f"{path.name} has {len(corners)} triangles; simplify it to {most}")
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1)
    corners, normals = corners[length > 0], normals[length > 0] / length[length > 0, None]
    count = 3 * len(corners)
    faces = np.arange(count, dtype=np.int32).reshape(-1, 3)
    return [
        Mesh(corners.reshape(-1, 3), np.repeat(normals, 3, axis=0), np.zeros((count, 2)), faces)
    ]


def load_obj(path: Path, *, most: int = MAX_TRIANGLES) -> Mesh:
    """Read an OBJ file as one mesh; see `load_obj_groups` for what is refused."""
    return join(*load_obj_groups(path, most=most))


def load_obj_groups(path: Path, *, most: int = MAX_TRIANGLES) -> list[Mesh]:
    """Read an OBJ file, one mesh for each ``o`` or ``g`` group that has faces.

    Polygons become triangle fans. Corners without a normal get their face's; without a UV, (0, 0).

    Raises:
        ValueError: ``line N: ...`` when a row is malformed, a number is not finite or an index is
            out of range; when the file has no faces, or more than ``most`` triangles. Bullet would
            crash or guess.
    """
    values: dict[str, list[list[float]]] = {"v": [], "vt": [], "vn": []}
    groups: list[list[list[tuple[int, int, int]]]] = [[]]
    triangles = 0
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        word, *fields = line.split() or [""]
        try:
            if word in values:
                values[word].append(_coordinates(fields, count=2 if word == "vt" else 3))
                _check_count(len(values[word]), 3 * most, "vertices")
            elif word == "f":
                groups[-1].append([_corner(field, values) for field in fields])
                if len(fields) < 3:
                    raise ValueError("a face needs at least three corners")
                triangles += len(fields) - 2
                _check_count(triangles, most, "triangles")
            elif word in ("o", "g") and groups[-1]:
                groups.append([])
                _check_count(len(groups), MAX_GROUPS, "groups")
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    meshes = [_mesh(polygons, values) for polygons in groups if polygons]
    if not meshes:
        raise ValueError("the file has no faces")
    return meshes


def _check_count(count: int, most: int, what: str) -> None:
    if count > most:
        raise ValueError(f"the file has more than {most} {what}; simplify it")


def _coordinates(fields: list[str], *, count: int) -> list[float]:
    try:
        numbers = [float(field) for field in fields[:count]]
    except ValueError:
        numbers = []
    # Python reads 1_000 and other scripts' digits; no other reader of such files does.
    plain = all(field.isascii() and "_" not in field for field in fields[:count])
    if len(numbers) < count or not plain or not all(abs(x) <= FARTHEST for x in numbers):
        raise ValueError(f"expected {count} finite numbers, got {ascii(' '.join(fields))[:80]}")
    return numbers


def _corner(field: str, values: dict[str, list[list[float]]]) -> tuple[int, int, int]:
    """Zero-based rows of v, vt, vn (-1: not given) from ``v``, ``v/vt``, ``v//vn``, ``v/vt/vn``."""
    texts = [*field.split("/"), "", ""][:3]
    rows = []
    if field.count("/") > 2:
        raise ValueError(f"corner {field!r} names more than a vertex, a UV and a normal")
    for text, known in zip(texts, values.values(), strict=True):
        if text and not (text.isascii() and text.removeprefix("-").isdigit()):
            raise ValueError(f"{ascii(text)[:40]} is no index")
        row = int(text) if len(text) < 20 and text else 0
        row = row - 1 if row > 0 else len(known) + row if row < 0 else -1
        if text and not 0 <= row < len(known):
            raise ValueError(f"index {text} is out of range in {field!r}")
        rows.append(row)
    if rows[0] < 0:
        raise ValueError(f"corner {field!r} names no vertex")
    return rows[0], rows[1], rows[2]


def _mesh(polygons: list[list[tuple[int, int, int]]], values: dict[str, list[list[float]]]) -> Mesh:
    corners: dict[tuple[int, int, int, int], int] = {}  # (v, vt, vn, face if it has no vn) -> row
    faces = []
    for number, polygon in enumerate(polygons):
        rows = [
            corners.setdefault((*corner, number if corner[2] < 0 else -1), len(corners))
            for corner in polygon
        ]
        faces += [(rows[0], rows[i], rows[i + 1]) for i in range(1, len(rows) - 1)]
    keys = np.array(list(corners))
    triangles = np.array(faces, dtype=np.int32)
    vertices = np.array(values["v"])[keys[:, 0]]
    uvs, normals = np.zeros((len(keys), 2)), np.zeros((len(keys), 3))
    if values["vt"]:
        uvs = np.where(keys[:, 1:2] >= 0, np.array(values["vt"])[keys[:, 1]], 0.0)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    flat = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    np.add.at(normals, triangles.ravel(), flat)
    if values["vn"]:
        normals = np.where(keys[:, 2:3] >= 0, np.array(values["vn"])[keys[:, 2]], normals)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(length > 0, normals / np.where(length > 0, length, 1.0), (0.0, 0.0, 1.0))
    return Mesh(vertices, normals, uvs, triangles)


def mass_properties(
    surface: Mesh,
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Volume (m^3), centroid (3,) and inertia per kilogram (3, 3) about it, if filled evenly.

    Signed tetrahedra from the origin to each face (the divergence theorem). An open or flat surface
    has no inside; its bounding box is taken instead.
    """
    a, b, c = (surface.vertices[surface.faces[:, i]] for i in range(3))
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
    volume = float(volumes.sum())
    if volume <= 1e-4 * float(np.prod(surface.extents)) or not is_closed(surface):
        size = surface.extents
        centre = surface.vertices.min(axis=0) + size / 2
        return float(np.prod(size)), centre, np.diag((size @ size - size**2) / 12.0)
    centroid = volumes @ (a + b + c) / (4.0 * volume)
    a, b, c = a - centroid, b - centroid, c - centroid
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
    # Second moments of a tetrahedron with one corner at the origin (Tonon 2004).
    total = a + b + c
    second = np.einsum("n,ni,nj->ij", volumes, total, total)
    second += sum(np.einsum("n,ni,nj->ij", volumes, corner, corner) for corner in (a, b, c))
    second /= 20.0 * volume
    return volume, centroid, np.eye(3) * np.trace(second) - second


def signed_volume(surface: Mesh) -> float:
    """Volume in m^3 of a closed surface; negative if its faces look inwards."""
    a, b, c = (surface.vertices[surface.faces[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def weld(surface: Mesh) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Vertices (V, 3) and faces (T, 3) with corners at the same place (0.1 um) made one."""
    _, first, rows = np.unique(
        np.round(surface.vertices, 7), axis=0, return_index=True, return_inverse=True
    )
    return surface.vertices[first], rows.reshape(-1)[surface.faces].astype(np.int32)


def is_closed(surface: Mesh) -> bool:
    """Whether every edge is used once in each direction, so that the surface has an inside."""
    vertices, faces = weld(surface)
    faces = faces[(faces != np.roll(faces, 1, axis=1)).all(axis=1)]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    keys, back = edges @ (len(vertices), 1), edges @ (1, len(vertices))
    return bool(np.array_equal(np.sort(keys), np.sort(back)))


def hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (V, 3) of the convex hull of the points (N, 3); all points of a flat set."""
    from scipy.spatial import ConvexHull, QhullError

    points = np.unique(points, axis=0)
    try:
        return np.asarray(points[ConvexHull(points).vertices])
    except QhullError:
        return points


def diameter(vertices: NDArray[np.float64]) -> float:
    """Largest distance between two of the points (V, 3), in blocks so that memory stays small.

    The two are corners of the convex hull; it is made where that takes less time than it saves.
    """
    points = np.unique(vertices, axis=0)
    if len(points) > MANY_POINTS:
        points = hull(points)
    blocks = (
        np.linalg.norm(points[i : i + 256, None] - points[None], axis=2).max()
        for i in range(0, len(points), 256)
    )
    return float(max(blocks))
