"""What carries parts, and where it ends: the tops of belts and tables, and their long edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.errors import InputError
from simenv.spec.task import Belt, Bin, SceneSpec, Table, Zone

__all__ = ["Ledge", "Top", "ledge", "tops"]


@dataclass(frozen=True, eq=False)
class Top:
    """A flat rectangle that parts lie on."""

    center: NDArray[np.float64]  # (2,) world
    R_WT: NDArray[np.float64]  # (2, 2) its own axes
    half_m: NDArray[np.float64]  # (2,) along them
    z_m: float
    open: NDArray[np.bool_]  # (2,) whether its edges along x, and those along y, end in the air

    def holds(self, point: NDArray[np.float64], *, margin_m: float = 0.0) -> bool:
        """Whether the world point (2,) is over it, ``margin_m`` inside."""
        own = (point - self.center) @ self.R_WT
        return bool((np.abs(own) <= self.half_m - margin_m).all())


@dataclass(frozen=True, eq=False)
class Ledge:
    """A point on the edge of a top."""

    point: NDArray[np.float64]  # (2,) world
    out: NDArray[np.float64]  # (2,) unit, away from the top
    z_m: float


def tops(scene: SceneSpec) -> Iterator[Top]:
    """Belts, tables, then the inner bottoms of bins."""
    for belt in scene.belts.values():
        yield _top(belt, (belt.length_m, belt.width_m), belt.top_z_m, (True, False))
    for table in scene.tables.values():
        yield _top(table, table.size_m, table.top_z_m, (True, True))
    for tote in scene.bins.values():
        yield _top(tote, tote.inner_size_m[:2], tote.base_z_m + tote.wall_m, (False, False))


def _top(
    item: Belt | Table | Bin, size_m: tuple[float, float], z_m: float, open: tuple[bool, bool]
) -> Top:
    R_WT = pose.from_rpy_deg((0.0, 0.0, item.yaw_deg))[:2, :2]
    return Top(np.array(item.center), R_WT, np.array(size_m) / 2, z_m, np.array(open))


def ledge(scene: SceneSpec, zone: Zone, rng: np.random.Generator, *, where: str) -> Ledge:
    """Any point beside the zone on an edge, that ends in the air, of what the zone lies on.

    Raises:
        InputError: if the zone lies on no belt or table.
    """
    center = np.array(zone.center[:2])
    found = [top for top in tops(scene) if top.open.any() and top.holds(center)]
    if not found:
        raise InputError(
            f"edge_cases.{where}: overhang needs a zone on a belt or table, and that at "
            f"{list(zone.center[:2])} is on none; move it, or choose another group"
        )
    top = found[0]
    along = int(rng.choice(np.flatnonzero(top.open)))
    side = rng.choice([-1.0, 1.0])
    R_WZ = pose.from_rpy_deg((0.0, 0.0, zone.yaw_deg))[:2, :2]
    spot = center + R_WZ @ ((rng.random(2) - 0.5) * zone.size_m)
    own = (spot - top.center) @ top.R_WT
    own[1 - along] = side * top.half_m[1 - along]
    out = side * top.R_WT[:, 1 - along]
    return Ledge(top.center + top.R_WT @ own, out, top.z_m)
