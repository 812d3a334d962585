"""Which side of a mesh is outside: neighbours agree, solids look outwards, cavities inwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simenv.assets.edges import Edges, groups
from simenv.assets.finding import Finding
from simenv.assets.shells import shells
from simenv.assets.soup import Floats, Rows, Soup
from simenv.errors import InputError

__all__ = ["orient", "winding"]

BLOCK = 2_000_000  # solid angles at a time


def orient(soup: Soup, found: list[Finding]) -> Soup:
    """The surface with its faces outwards.

    Raises:
        InputError: it has but one side, such as a Moebius strip.
    """
    soup, turned = _agree(soup)
    if turned:
        found.append(Finding("mend", f"turned {turned} faces to agree with their neighbours"))
    if not Edges.of(soup.faces).closed:
        return soup  # refused later; an open surface has no outside
    shell = shells(soup)
    wrong = _wrong(soup, shell)
    if wrong.any():
        count, all_of = int(wrong[shell].sum()), "all " if wrong.all() else ""
        found.append(Finding("mend", f"turned {all_of}{count} faces that were inside out"))
    return soup.turn(wrong[shell])


def _agree(soup: Soup) -> tuple[Soup, int]:
    """Neighbours made to agree, and how many faces had to turn for it.

    Each face stands twice in a graph, as it is and turned; what agrees is connected.
    """
    count, edges = len(soup.faces), Edges.of(soup.faces)
    pairs = edges.pairs()
    agree = edges.agree(pairs)
    if agree.all():
        return soup, 0
    one, two = (pairs // 3).T
    other = np.where(agree, two, two + count)
    back = np.where(agree, two + count, two)
    links = np.concatenate([np.column_stack([one, other]), np.column_stack([one + count, back])])
    group = groups(links, 2 * count)
    if (group[:count] == group[count:]).any():
        text = "has but one side, as a Moebius strip has"
        raise InputError(f"{text}; export it as a closed solid")
    # Of the two ways to make a patch agree, the one that turns fewer faces.
    patch = np.minimum(group[:count], group[count:])
    turned = group[:count] != patch
    total, most = np.bincount(patch), np.bincount(patch, turned)
    turned ^= (most > total / 2)[patch]
    return soup.turn(turned), int(turned.sum())


def _wrong(soup: Soup, shell: Rows) -> NDArray[np.bool_]:
    """Which shells (S,) have to turn: a solid encloses volume, a cavity in it less than none."""
    count = int(shell.max()) + 1
    single = [soup.keep(shell == k) for k in range(count)] if count > 1 else [soup]
    volume = np.array([piece.volume for piece in single])
    if count == 1:
        return volume < 0
    low = np.array([piece.triangles.min(axis=(0, 1)) for piece in single])
    high = np.array([piece.triangles.max(axis=(0, 1)) for piece in single])
    depth = np.zeros(count, dtype=np.int64)
    for inner in range(count):
        around = ((low <= low[inner]) & (high >= high[inner])).all(axis=1)
        around[inner] = False
        p = single[inner].triangles[0].mean(axis=0)
        depth[inner] = sum(
            abs(winding(single[outer], p[None])[0]) > 0.5 for outer in np.flatnonzero(around)
        )
    return np.asarray((volume < 0) != (depth % 2 == 1))


def winding(soup: Soup, points: Floats) -> Floats:
    """How often the surface goes round each point (N,): 1 inside, 0 outside.

    Van Oosterom and Strackee, The solid angle of a plane triangle, 1983.
    """
    step = max(1, BLOCK // len(soup.faces))
    blocks = [_solid_angle(soup, points[i : i + step]) for i in range(0, len(points), step)]
    return np.concatenate(blocks) / (4 * np.pi)


def _solid_angle(soup: Soup, points: Floats) -> Floats:
    corners = soup.triangles[None] - points[:, None, None]  # (N, T, 3, 3)
    a, b, c = (corners[:, :, k] for k in range(3))
    length = np.linalg.norm(corners, axis=3)
    la, lb, lc = (length[:, :, k] for k in range(3))
    triple = np.einsum("ntk,ntk->nt", a, np.cross(b, c))
    ab, bc, ca = (np.einsum("ntk,ntk->nt", p, q) for p, q in ((a, b), (b, c), (c, a)))
    return np.asarray(
        2 * np.arctan2(triple, la * lb * lc + ab * lc + bc * la + ca * lb).sum(axis=1)
    )
