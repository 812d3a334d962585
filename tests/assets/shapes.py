"""Meshes that tests build: sound ones with known properties, and files of every kind of damage."""

import json
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv import mesh

Triangles = NDArray[np.float64]  # (T, 3, 3) corners

_STL = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def triangles(surface: mesh.Mesh) -> Triangles:
    return surface.vertices[surface.faces]


def box(x: float = 0.03, y: float = 0.04, z: float = 0.05) -> Triangles:
    return triangles(mesh.box((x, y, z)))


def bracket(side: float = 0.06, width: float = 0.04, thick: float = 0.01) -> Triangles:
    """An L of two plates along x and z, its corner at the origin, its width along y."""
    outline = np.array(
        [[0, 0], [side, 0], [side, thick], [thick, thick], [thick, side], [0, side]], dtype=float
    )
    front, back = (np.column_stack([outline[:, 0], np.full(6, y), outline[:, 1]])
                   for y in (-width / 2, width / 2))  # fmt: skip
    caps = [(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5)]
    rows = [front[list(cap)] for cap in caps] + [back[list(cap[::-1])] for cap in caps]
    for i in range(6):
        j = (i + 1) % 6
        rows += [np.array([front[i], back[i], back[j]]), np.array([front[i], back[j], front[j]])]
    return np.array(rows)


def torus(far: float = 0.03, thick: float = 0.01, around: int = 32, across: int = 16) -> Triangles:
    """About z."""
    u = 2 * np.pi * np.arange(around) / around
    v = 2 * np.pi * np.arange(across) / across
    r = far + thick * np.cos(v)
    z = np.broadcast_to(thick * np.sin(v), (around, across))
    grid = np.stack([r * np.cos(u)[:, None], r * np.sin(u)[:, None], z], axis=2)
    a, b = grid, np.roll(grid, -1, axis=0)
    c, d = np.roll(b, -1, axis=1), np.roll(grid, -1, axis=1)
    return np.concatenate([np.stack(t, axis=2).reshape(-1, 3, 3) for t in ((a, b, c), (a, c, d))])


def stl(path: Path, corners: Triangles) -> Path:
    table = np.zeros(len(corners), _STL)
    table["corners"] = corners
    path.write_bytes(b"test".ljust(80) + struct.pack("<I", len(corners)) + table.tobytes())
    return path


def text_stl(path: Path, corners: Triangles) -> Path:
    lines = ["solid test"]
    for triangle in corners:
        lines += ["facet normal 0 0 0", "outer loop"]
        lines += [f"vertex {x:.9g} {y:.9g} {z:.9g}" for x, y, z in triangle]
        lines += ["endloop", "endfacet"]
    path.write_text("\n".join([*lines, "endsolid test", ""]))
    return path


def obj(path: Path, corners: Triangles, more: str = "") -> Path:
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in corners.reshape(-1, 3)]
    lines += [f"f {3 * k + 1} {3 * k + 2} {3 * k + 3}" for k in range(len(corners))]
    path.write_text("\n".join([*lines, more, ""]))
    return path


def ply(path: Path, corners: Triangles, *, binary: str = "", faces: int | None = None) -> Path:
    """Text, or binary "<" or ">"; ``faces`` is what the header says instead of the truth."""
    kind = {"": "ascii", "<": "binary_little_endian", ">": "binary_big_endian"}[binary]
    count = len(corners)
    head = f"ply\nformat {kind} 1.0\nelement vertex {3 * count}\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz")
    head += f"element face {count if faces is None else faces}\n"
    head += "property list uchar int vertex_indices\nend_header\n"
    rows = np.arange(3 * count).reshape(-1, 3)
    if binary:
        table = np.zeros(count, [("n", "u1"), ("rows", binary + "i4", 3)])
        table["n"], table["rows"] = 3, rows
        body = corners.astype(binary + "f4").tobytes() + table.tobytes()
    else:
        lines = [f"{x:.9g} {y:.9g} {z:.9g}" for x, y, z in corners.reshape(-1, 3)]
        body = "\n".join([*lines, *(f"3 {a} {b} {c}" for a, b, c in rows), ""]).encode()
    path.write_bytes(head.encode() + body)
    return path


def glb(path: Path, corners: Triangles, *, uvs: bool = False, image: bytes = b"") -> Path:
    """With ``uvs``, x and y in metres; with ``image``, a texture."""
    points = corners.reshape(-1, 3).astype("<f4")
    chunks = [points.tobytes(), np.arange(len(points), dtype="<u4").tobytes()]
    accessors = [
        {"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3"},
        {"bufferView": 1, "componentType": 5125, "count": len(points), "type": "SCALAR"},
    ]
    primitive = {"attributes": {"POSITION": 0}, "indices": 1}
    root: dict[str, object] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}]}
    if uvs:
        chunks.append(points[:, :2].tobytes())
        accessors.append(
            {"bufferView": 2, "componentType": 5126, "count": len(points), "type": "VEC2"}
        )
        primitive["attributes"] = {"POSITION": 0, "TEXCOORD_0": 2}
    if image:
        chunks.append(image.ljust(-(-len(image) // 4) * 4, b"\0"))
        texture = {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
        root |= {"materials": [texture], "textures": [{"source": 0}]}
        root |= {"images": [{"bufferView": len(chunks) - 1, "mimeType": "image/png"}]}
    starts = np.cumsum([0, *map(len, chunks)])
    lengths = [*map(len, chunks[:-1]), len(image) or len(chunks[-1])]
    root |= {
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "accessors": accessors,
        "bufferViews": [
            {"buffer": 0, "byteOffset": int(start), "byteLength": length}
            for start, length in zip(starts[:-1], lengths, strict=True)
        ],
        "buffers": [{"byteLength": int(starts[-1])}],
    }
    return pack_glb(path, json.dumps(root).encode(), b"".join(chunks))


def pack_glb(path: Path, text: bytes, data: bytes) -> Path:
    text = text.ljust(-(-len(text) // 4) * 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text
    body += struct.pack("<II", len(data), 0x004E4942) + data
    path.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body)
    return path


def step(path: Path, x: float, y: float, z: float) -> Path:
    """A box with its corner at the origin, in millimetres: AP214, boundary representation."""
    corners = [(i, j, k) for i in (0.0, x) for j in (0.0, y) for k in (0.0, z)]
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    lines: list[str] = []
    edges: dict[tuple[int, int], str] = {}

    def add(text: str) -> str:
        lines.append(f"#{len(lines) + 1}={text};")
        return f"#{len(lines)}"

    def direction(way: NDArray[np.float64]) -> str:
        unit = way / np.linalg.norm(way)
        return add(f"DIRECTION('',({','.join(f'{c:.9f}' for c in unit)}))")

    def oriented(i: int, j: int) -> str:
        if (j, i) in edges:
            return add(f"ORIENTED_EDGE('',*,*,{edges[j, i]},.F.)")
        vector = add(f"VECTOR('',{direction(np.subtract(corners[j], corners[i]))},1.)")
        line = add(f"LINE('',{points[i]},{vector})")
        edges[i, j] = add(f"EDGE_CURVE('',{vertices[i]},{vertices[j]},{line},.T.)")
        return add(f"ORIENTED_EDGE('',*,*,{edges[i, j]},.T.)")

    def face(side: tuple[int, ...]) -> str:
        ring = [oriented(i, j) for i, j in zip(side, (*side[1:], side[0]), strict=True)]
        bound = add(f"FACE_OUTER_BOUND('',{add(_call('EDGE_LOOP', ring))},.T.)")
        along = np.subtract(corners[side[1]], corners[side[0]])
        normal = np.cross(along, np.subtract(corners[side[3]], corners[side[0]]))
        way, across = direction(normal), direction(along)
        frame = add(f"AXIS2_PLACEMENT_3D('',{points[side[0]]},{way},{across})")
        return add(f"ADVANCED_FACE('',({bound}),{add(_plane(frame))},.T.)")

    app = add("APPLICATION_CONTEXT('automotive design')")
    product = add(f"PRODUCT('box','box','',({add(_context('PRODUCT', app, 'mechanical'))}))")
    formation = add(f"PRODUCT_DEFINITION_FORMATION('','',{product})")
    use = add(_context("PRODUCT_DEFINITION", app, "design", label="part definition"))
    definition = add(f"PRODUCT_DEFINITION('design','',{formation},{use})")
    shape = add(f"PRODUCT_DEFINITION_SHAPE('','',{definition})")
    length = add("(LENGTH_UNIT() NAMED_UNIT(*) SI_UNIT(.MILLI.,.METRE.))")
    angle = add("(NAMED_UNIT(*) PLANE_ANGLE_UNIT() SI_UNIT($,.RADIAN.))")
    context = add(
        f"(GEOMETRIC_REPRESENTATION_CONTEXT(3) GLOBAL_UNIT_ASSIGNED_CONTEXT(({length},{angle})) "
        "REPRESENTATION_CONTEXT('',''))"
    )
    points = [add(f"CARTESIAN_POINT('',({i},{j},{k}))") for i, j, k in corners]
    vertices = [add(f"VERTEX_POINT('',{point})") for point in points]
    solid = add(f"MANIFOLD_SOLID_BREP('',{add(_call('CLOSED_SHELL', [face(s) for s in sides]))})")
    represented = add(f"ADVANCED_BREP_SHAPE_REPRESENTATION('',({solid}),{context})")
    add(f"SHAPE_DEFINITION_REPRESENTATION({shape},{represented})")
    head = "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\n"
    head += "FILE_NAME('box','2026-01-01T00:00:00',(''),(''),'','','');\n"
    head += "FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));\nENDSEC;\nDATA;\n"
    path.write_text(head + "\n".join(lines) + "\nENDSEC;\nEND-ISO-10303-21;\n")
    return path


def _call(entity: str, parts: list[str]) -> str:
    return f"{entity}('',({','.join(parts)}))"


def _plane(frame: str) -> str:
    return f"PLANE('',{frame})"


def _context(entity: str, app: str, use: str, label: str = "") -> str:
    return f"{entity}_CONTEXT('{label}',{app},'{use}')"
