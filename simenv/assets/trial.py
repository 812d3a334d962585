"""What an imported part does in the engine: how high it lies, whether it comes to rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simenv import pose
from simenv.assets.stable import Rest
from simenv.physics.world import World
from simenv.pose import Matrix
from simenv.scene import Body, Scene, Snapshot
from simenv.spec.look import Look
from simenv.spec.object import Friction, ObjectModel
from simenv.spec.task import Capture, Physics

__all__ = ["Trial", "still_life", "try_out"]

START_M = 1e-3  # above the floor where the hover is measured
DROP_M = 0.05  # under the lowest point of the part that is dropped
TILT_DEG = (25.0, 40.0, 0.0)  # of the dropped part, from its most likely way to lie
AFTER_S = 1.0  # after it counts as resting, when what still moves is measured
WEIGHT_M_S2 = 9.81


@dataclass(frozen=True)
class Trial:
    """What was measured; lengths in metres, None where the part did not come to rest."""

    hover_m: float | None  # lowest point of the visible mesh over the floor; negative: sunk in
    reason: str  # why a drop was rejected, as `Outcome` has it; empty: it came to rest
    rest_s: float  # from the drop until it rested
    speed_m_s: float | None  # a second later
    energy_j: float | None  # kinetic, likewise


def try_out(model: ObjectModel, rest: Rest) -> Trial:
    """Lay the part down as it lies best, then drop it tilted."""
    touching = np.concatenate(model.hulls)
    X_WB = rest.X_WB(touching)
    tilted = pose.from_rpy_deg(TILT_DEG) @ X_WB
    tilted[2, 3] -= pose.apply(tilted, touching)[:, 2].min()
    with World() as world:
        laid = world.run(still_life({"part": (model, _raised(X_WB, START_M))}))
        fallen = world.run(still_life({"part": (model, _raised(tilted, DROP_M))}))
    hover = None if laid.reason else _lowest(model, laid.snapshots[0])
    if fallen.reason:
        return Trial(hover, fallen.reason, fallen.duration_s, None, None)
    speed, energy = _motion(model, fallen.snapshots[-1])
    return Trial(hover, "", fallen.duration_s, speed, energy)


def _raised(X_WB: Matrix, by_m: float) -> Matrix:
    return pose.pose(p_AB=(0.0, 0.0, by_m)) @ X_WB


def _lowest(model: ObjectModel, snapshot: Snapshot) -> float:
    return float(pose.apply(snapshot.X_WB[0], model.mesh.vertices)[:, 2].min())


def _motion(model: ObjectModel, snapshot: Snapshot) -> tuple[float, float]:
    """Speed of the centre of mass, m/s, and kinetic energy, J."""
    com, inertia = model.mass_properties
    linear, angular = snapshot.velocity[0, :3], snapshot.velocity[0, 3:]
    R_WB = snapshot.X_WB[0, :3, :3]
    speed = linear + np.cross(angular, R_WB @ com)
    turning = angular @ (R_WB @ inertia @ R_WB.T) @ angular
    return float(np.linalg.norm(speed)), float(model.spec.mass_kg * (speed @ speed) + turning) / 2


def still_life(placed: dict[str, tuple[ObjectModel, Matrix]], floor: bool = True) -> Scene:
    """Parts by name, each with its pose, on a floor or in empty space."""
    bodies = tuple(
        Body(row, f"parts/{name}", "parts", name, X_WB, False, model.spec.friction,
             color=model.spec.color)
        for row, (name, (model, X_WB)) in enumerate(placed.items(), start=1)
    )  # fmt: skip
    return Scene(
        index=0,
        attempt=0,
        tier="core",
        gravity_m_s2=WEIGHT_M_S2,
        floor_z_m=0.0 if floor else None,
        floor_friction=Friction(),
        bodies=bodies,
        objects={name: model for name, (model, _) in placed.items()},
        belts=(),
        cameras=(),
        capture=Capture(fps=1 / AFTER_S, frames=2),
        look=Look(),
        physics=Physics(),
    )
