"""What is wrong with a mesh and can be put right: each repair has a name, nothing is silent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simenv.assets.edges import Edges, groups
from simenv.assets.finding import Finding
from simenv.assets.orient import orient
from simenv.assets.shells import drop_strays, refuse_distant
from simenv.assets.simplify import simplify
from simenv.assets.soup import UNITS, Floats, Rows, Soup
from simenv.errors import InputError
from simenv.mesh import MAX_TRIANGLES
from simenv.spec.files import SIZE_M

__all__ = ["mend"]

WELD_M = 1e-7  # vertices nearer than this are one, as in simenv.mesh
GAP = 1e-5  # of the diameter: cracks up to this wide are closed
HOLE = 0.1  # of the diameter: round a hole that is closed
HOLE_EDGES = 64
FLAT = 1e-5  # thickness over length below which nothing is inside
HOLLOW = 1e-9  # volume over the cube of the length, likewise
ODD_M = (5e-3, 1.5)  # longest side of what is usual; outside it is pointed out

Mended = tuple[Soup, list[Finding]]


def mend(soup: Soup, *, unit: str | None, scale: float) -> Mended:
    """A closed surface in metres with its faces outwards, and what was done to get there.

    Args:
        soup: as it was read.
        unit: of its numbers, a key of `UNITS`; None: metres, if that makes sense.
        scale: a further factor.

    Raises:
        InputError: what cannot be put right, and the way out.
    """
    found: list[Finding] = []
    soup = _compact(soup, found)
    soup = drop_strays(soup, found)
    refuse_distant(soup)
    soup = replace(soup, vertices=soup.vertices * (UNITS[unit or "m"] * scale))
    _size(soup, unit, found)
    soup = _without_degenerate(_weld(soup, WELD_M, found), found)
    soup = _without_duplicates(soup, found)
    soup = _close_cracks(soup, found)
    soup = orient(_fill_holes(soup, found), found)
    _refuse_open(soup)
    _refuse_flat(soup)
    return simplify(soup, MAX_TRIANGLES, found).trim(), found


def _compact(soup: Soup, found: list[Finding]) -> Soup:
    """One vertex for each place, and no vertex without a face."""
    used = len(np.unique(soup.faces))
    if spare := len(soup.vertices) - used:
        found.append(Finding("mend", f"removed {spare} vertices that no face uses"))
    places, rows = np.unique(soup.vertices[soup.faces.ravel()] + 0.0, axis=0, return_inverse=True)
    welded = replace(soup, vertices=places, faces=rows.reshape(-1, 3).astype(np.int64))
    if len(places) < used:
        found.append(Finding("ok", f"joined {used} corners into {len(places)} vertices"))
    return welded


def _size(soup: Soup, unit: str | None, found: list[Finding]) -> None:
    length = float(soup.extents.max())
    if length > SIZE_M[1]:
        hint = "are these millimetres? pass --unit mm" if unit is None else "pass another --unit"
        raise InputError(f"is {length:.4g} m long, more than {SIZE_M[1]:g} m; {hint}")
    if length < SIZE_M[0]:
        hint = "what is its unit? pass --unit inch, or m and --scale"
        if unit not in (None, "m"):
            hint = "pass --unit m if these are metres, or --scale"
        raise InputError(f"is {length:.4g} m long, less than {SIZE_M[0]:g} m; {hint}")
    if not ODD_M[0] <= length <= ODD_M[1]:
        text = f"is {length:.4g} m long, unusual for a part: is the unit right (--unit)?"
        found.append(Finding("note", text))


def _weld(soup: Soup, near_m: float, found: list[Finding]) -> Soup:
    """Vertices of one cell of a grid become one."""
    cells = np.round(soup.vertices / near_m)
    _, first, rows = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    if gone := len(soup.vertices) - len(first):
        text = f"welded {gone} vertices to others within {near_m * 1e6:.2g} um"
        found.append(Finding("mend", text))
    return soup.relabel(soup.vertices[first], rows.reshape(-1))


def _without_degenerate(soup: Soup, found: list[Finding]) -> Soup:
    """Without faces that have a vertex twice."""
    good = (soup.faces != np.roll(soup.faces, 1, axis=1)).all(axis=1)
    if gone := int((~good).sum()):
        found.append(Finding("mend", f"removed {gone} degenerate faces"))
    if not good.any():
        raise InputError("has no face with an area; export it again")
    return soup.keep(good)


def _without_duplicates(soup: Soup, found: list[Finding]) -> Soup:
    """One of each set of faces with the same corners; none, where that leaves fewer open edges."""
    key = np.sort(soup.faces, axis=1)
    _, first, same = np.unique(key, axis=0, return_index=True, return_inverse=True)
    gone = len(soup.faces) - len(first)
    if not gone:
        return soup
    counts = np.bincount(same.reshape(-1))
    once = soup.keep(np.sort(first))
    rest = soup.keep(np.sort(first[counts % 2 == 1]))
    if len(rest.faces) and _bad_edges(rest) < _bad_edges(once):
        gone = len(soup.faces) - len(rest.faces)
        once = rest
    found.append(Finding("mend", f"removed {gone} duplicate faces"))
    return once


def _bad_edges(soup: Soup) -> int:
    return int((Edges.of(soup.faces).uses % 2 == 1).sum())


def _close_cracks(soup: Soup, found: list[Finding]) -> Soup:
    """Weld the vertices along open edges to what lies very near, if that helps."""
    edges = Edges.of(soup.faces)
    rim = np.unique(edges.tail[edges.open])
    near = GAP * float(np.linalg.norm(soup.extents))
    if not len(rim):
        return soup
    from scipy.spatial import cKDTree  # slow to import

    pairs = cKDTree(soup.vertices[rim]).query_pairs(near, output_type="ndarray")
    if not len(pairs):
        return soup
    group = groups(pairs, len(rim))
    _, first = np.unique(group, return_index=True)
    rows = np.arange(len(soup.vertices))
    rows[rim] = rim[first[group]]
    text = f"welded {len(rim) - len(first)} vertices along cracks up to {near * 1e6:.2g} um wide"
    closed = soup.relabel(soup.vertices, rows)
    if _bad_edges(closed) >= _bad_edges(soup):
        return soup
    found.append(Finding("mend", text))
    return _without_degenerate(closed, found)


def _fill_holes(soup: Soup, found: list[Finding]) -> Soup:
    """Close triangular holes and short round ones; large ones are the shape, not a mistake."""
    edges = Edges.of(soup.faces)
    half = np.flatnonzero(edges.open)
    if not len(half):
        return soup
    limit = HOLE * float(np.linalg.norm(soup.extents))
    patches, centres = [], list[Floats]()
    for loop in _loops(edges.head[half], edges.tail[half]):
        round_m = np.linalg.norm(np.diff(soup.vertices[[*loop, loop[0]]], axis=0), axis=1).sum()
        if len(loop) == 3:
            if (np.sort(soup.faces, axis=1) == sorted(loop)).all(axis=1).any():
                continue  # a triangle by itself: its rim is no hole
            patches.append([loop])
        elif round_m <= limit and len(loop) <= HOLE_EDGES:
            centre = len(soup.vertices) + len(centres)
            centres.append(soup.vertices[loop].mean(axis=0))
            patches.append(
                [[a, b, centre] for a, b in zip(loop, [*loop[1:], loop[0]], strict=True)]
            )
    if not patches:
        return soup
    faces = np.array([face for patch in patches for face in patch], dtype=np.int64)
    holes = f"{len(patches)} hole" + "s" * (len(patches) > 1)
    found.append(Finding("mend", f"filled {holes} with {len(faces)} faces"))
    vertices = np.concatenate([soup.vertices, np.reshape(centres, (-1, 3))])
    return replace(soup, vertices=vertices).add(faces)


def _loops(tail: Rows, head: Rows) -> list[list[int]]:
    """Rings of vertices along the half-edges tail -> head; those that meet at a vertex are left."""
    after = {int(a): int(b) for a, b in zip(tail, head, strict=True)}
    starts, counts = np.unique(tail, return_counts=True)
    forks = {int(vertex) for vertex in starts[counts > 1]}
    loops, seen = [], set[int]()
    for start in map(int, starts):
        ring, vertex = list[int](), start
        while vertex in after and vertex not in seen:
            seen.add(vertex)
            ring.append(vertex)
            vertex = after[vertex]
        if len(ring) > 2 and vertex == start and not forks & set(ring):
            loops.append(ring)
    return loops


def _refuse_open(soup: Soup) -> None:
    edges = Edges.of(soup.faces)
    if edges.closed:
        return
    count = int((edges.uses == 1).sum())
    if count:
        text = f"is not closed: {count} open edges, too wide to be filled"
        raise InputError(f"{text}; close the surface, or give a sheet its thickness")
    count = int((edges.balance != 0).sum())
    text = f"is not one closed surface: {count} edges belong to more than two faces"
    raise InputError(f"{text}; join the solids (union), or remove inner walls")


def _refuse_flat(soup: Soup) -> None:
    spread = np.linalg.svd(soup.vertices - soup.vertices.mean(axis=0), compute_uv=False)
    length, volume = float(soup.extents.max()), soup.volume
    if spread[2] < FLAT * spread[0]:
        raise InputError("is flat, so it has no inside; give the sheet its thickness")
    if volume < HOLLOW * length**3:
        raise InputError(f"encloses no volume ({volume:.3g} m3); give the sheet its thickness")
