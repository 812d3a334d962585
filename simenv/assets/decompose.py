"""What touches of an imported surface: its convex hull, or CoACD's convex pieces, kept by digest.

Wei and others, Approximate convex decomposition for 3D meshes with collision-aware concavity and
tree search, SIGGRAPH 2022.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simenv.assets.child import call
from simenv.assets.edges import Edges
from simenv.assets.soup import Floats, Soup, load, save
from simenv.dataset.disk import replace_file
from simenv.errors import InputError, SimenvError

__all__ = ["Pieces", "decompose", "hull_volume", "slim", "support"]

CONVEX = 1.02  # volume of the hull over that of the mesh: up to this the hull is the shape
CONCAVITY = 0.03  # CoACD's threshold: how far a piece may be from convex, of the part's size
SEARCH = 60  # iterations of its tree search: its own 150 take twice as long for the same pieces
SAMPLES = 1000  # of a surface, that concavity is measured by
SEED = 0
MAX_PIECES = 64
MAX_CORNERS = 96  # of one of several hulls
MAX_ALONE = 240  # of a hull by itself; Bullet takes 256
SIX = 6  # directions along the axes
LIMIT_S = 400.0
VERSION = 2  # of this recipe; another one is cached apart


@dataclass(frozen=True, eq=False)
class Pieces:
    """The hulls."""

    hulls: tuple[Floats, ...]  # (V, 3) metres each
    how: str  # "one hull", "coacd"


def decompose(surface: Soup) -> Pieces:
    """Convex pieces that together are the surface, about.

    Raises:
        InputError: CoACD is needed and missing, or fails on the surface.
    """
    if hull_volume(surface.vertices) <= CONVEX * surface.volume:
        return Pieces((slim(surface.vertices, MAX_ALONE),), "one hull")
    kept = cache_folder() / f"{_digest(surface)}.npz"
    hulls = _recall(kept)
    if hulls is None:
        hulls = tuple(slim(hull, MAX_CORNERS) for hull in _run(surface))
        _keep(kept, hulls)
    return Pieces(hulls, "coacd")


def hull_volume(points: Floats) -> float:
    """Of the convex hull of (N, 3) points, m^3."""
    from scipy.spatial import ConvexHull  # slow to import

    return float(ConvexHull(points).volume)


def slim(points: Floats, most: int) -> Floats:
    """At most ``most`` corners of the hull of the points: the farthest in evenly spread directions.

    Flat sides stay where they are, since all corners of one are equally far. Round ones lie as far
    outside at the corners that are left as they lie inside between them.
    """
    from scipy.spatial import ConvexHull

    every = points[np.sort(ConvexHull(points).vertices)]
    corners, asked = every, most
    while len(corners) > most:
        corners, asked = support(every, asked), asked - SIX
    return corners if corners is every else _balanced(corners, every)


def support(points: Floats, count: int) -> Floats:
    """Those of the points that are farthest in one of ``count`` directions, or six more."""
    rows = [(points @ way).argmax() for way in _directions(count)]
    return np.asarray(points[np.unique(rows)])


def _balanced(corners: Floats, every: Floats) -> Floats:
    """The corners, pushed outwards by half of what the sides at them cut off of ``every`` point."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(corners)
    planes, rows = np.unique(hull.equations.round(9), axis=0, return_inverse=True)
    height = every @ planes[:, :3].T + planes[:, 3]
    side = height.argmax(axis=1)
    cut = np.zeros(len(planes))
    np.maximum.at(cut, side, height[np.arange(len(every)), side])
    cut = np.where(cut > 1e-3 * cut.max(initial=0.0), cut, 0.0)
    push, count = np.zeros_like(corners), np.zeros(len(corners))
    for plane, simplex in zip(rows.reshape(-1), hull.simplices, strict=True):
        push[simplex] += cut[plane] / 2 * planes[plane, :3]
        count[simplex] += cut[plane] > 0
    return np.asarray(corners + push / np.maximum(count, 1)[:, None])


def _directions(count: int) -> Floats:
    """(N, 3) on the sphere, as even as a sunflower; with the six along the axes."""
    k = np.arange(count) + 0.5
    z, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z * z)
    even = np.column_stack([r * np.cos(turn), r * np.sin(turn), z])
    return np.concatenate([even, np.eye(3), -np.eye(3)])


def cache_folder() -> Path:
    """Where decompositions are kept from run to run."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "simenv" / "hulls"


def _digest(surface: Soup) -> str:
    digest = hashlib.sha256(
        repr((VERSION, CONCAVITY, SEARCH, SAMPLES, SEED, MAX_PIECES, MAX_CORNERS)).encode()
    )
    digest.update(np.ascontiguousarray(surface.vertices, "<f8").tobytes())
    digest.update(np.ascontiguousarray(surface.faces, "<i8").tobytes())
    return digest.hexdigest()


def _recall(path: Path) -> tuple[Floats, ...] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            return _unpack(file)
    except Exception:  # missing, or damaged in one of many ways: made again
        return None


def _keep(path: Path, hulls: Sequence[Floats]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = io.BytesIO()
        np.savez(stream, **_pack(hulls))
        replace_file(path, stream.getvalue())
    except (OSError, SimenvError):
        pass  # a cache that cannot be written costs time alone


def _pack(hulls: Sequence[Floats]) -> dict[str, Any]:
    return {"points": np.concatenate(hulls), "counts": np.array([len(hull) for hull in hulls])}


def _unpack(file: Any) -> tuple[Floats, ...]:
    return tuple(np.split(file["points"], np.cumsum(file["counts"])[:-1]))


def _run(surface: Soup) -> tuple[Floats, ...]:
    """CoACD in a process of its own: it prints, and crashes on some surfaces."""
    with tempfile.TemporaryDirectory(prefix="simenv-import-") as folder:
        given, made = Path(folder) / "given.npz", Path(folder) / "made.npz"
        save(given, surface)
        request = {"given": str(given), "made": str(made)}
        try:
            call("simenv.assets.decompose:work", request, seconds=LIMIT_S)
        except InputError as error:
            raise InputError(f"no collision shape was found: {error}") from None
        with np.load(made, allow_pickle=False) as file:
            return _unpack(file)


def work(request: dict[str, Any]) -> dict[str, Any]:
    """What the process does."""
    try:
        import coacd  # type: ignore[import-untyped]
    except ImportError:
        text = "the part is not convex, its pieces need another library"
        raise InputError(f"{text}: `pip install simenv[assets]`") from None
    surface = load(Path(request["given"]))
    coacd.set_log_level("off")
    found = coacd.run_coacd(
        coacd.Mesh(surface.vertices, surface.faces),
        threshold=CONCAVITY,
        # Made anew from voxels, thin walls grow; only where edges have more than two faces.
        preprocess_mode="off" if (Edges.of(surface.faces).uses == 2).all() else "auto",
        resolution=SAMPLES,
        mcts_iterations=SEARCH,
        max_convex_hull=MAX_PIECES,
        seed=SEED,
    )
    hulls = [hull for hull in (np.asarray(points) for points, _ in found) if _solid(hull)]
    if not hulls:
        raise InputError("CoACD found no convex piece; thicken the surface")
    np.savez(request["made"], **_pack(hulls))
    return {}


def _solid(hull: Floats) -> bool:
    """Whether a piece has a thickness; a sliver would be refused later."""
    spread = np.linalg.svd(hull - hull.mean(axis=0), compute_uv=False)
    return len(hull) > 3 and bool(spread[2] > 1e-3 * spread[0])
