"""Where to take a part from above: with two fingers, or with a cup.

The scripted experts see everything: poses, shapes, neighbours. What they choose is a pose X_BG of
the gripper in the part's own frame, so that it stays right while a belt carries the part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.compose.spawn import extreme_points
from simenv.envs.state import State
from simenv.physics.simulation import Simulation
from simenv.pose import Matrix
from simenv.scene import Scene
from simenv.spec.robot import Jaw, RobotModel, Vacuum

__all__ = ["Choice", "fingers", "suction"]

YAWS = 24  # closing directions tried in half a turn
SPARE_M = 0.003  # between each open finger and the part
FINGER_M = (0.022, 0.026)  # room that a finger takes: along the closing axis, across it
LIGHT_KG = 0.005  # a part of this mass is as bad a choice as one of the widest
DEEP_M = 0.035  # how far the fingers reach below the top of a part
LOW_M = 0.001  # and how near their tips come to what the part lies on
EASY_M = 0.012  # of play between an open jaw and a part; with less it may be toppled
BITE_M = 0.012  # of the pads over a part's side; less holds badly
CLEAR_M = 0.004  # from neighbours, if it can be had
GRID_M = 0.002  # between rays that look for a place for the cup
AROUND_M = 0.0005  # outside the lip that must be flat as well
FLAT_M = 0.0015  # how much the surface may rise and fall under a lip
UPRIGHT = 0.94  # z of a surface's normal that a vertical cup still seals on
OVER_M = 0.30  # rays start this far over the highest part

Floats = NDArray[np.float64]
Natural = Callable[[Floats], Matrix]


@dataclass(frozen=True, eq=False)
class Choice:
    """A part and how to hold it."""

    row: int  # of the part
    X_BG: Matrix  # (4, 4)
    width: float  # to open the gripper to, 0..1
    cost: float


def points_W(scene: Scene, state: State, row: int) -> Floats:
    """Corners (V, 3) of the part's hull, world."""
    body = scene.parts[row]
    points = extreme_points(scene.objects[body.object])
    return np.asarray(points @ state.parts.R_WB[row].T + state.parts.p_WB[row])


def fingers(
    scene: Scene, state: State, model: RobotModel, rows: list[int], natural: Natural
) -> list[Choice]:
    """Grasps from above of the parts ``rows``, best first: room beside, narrow, little turning.

    ``natural`` says how the gripper is turned (3, 3) at a point where the wrist is not twisted.
    """
    clouds = [points_W(scene, state, row) for row in range(len(scene.parts))]
    turned = {row: natural(state.parts.com[row]) for row in rows}
    assert isinstance(model.gripper, Jaw)
    jaw, tip = model.gripper, model.tip_m
    mass = {row: scene.objects[scene.parts[row].object].spec.mass_kg for row in rows}
    found = [
        choice
        for row in rows
        for choice in _grasps(state, clouds, jaw, tip, row, turned[row][:, 0], mass[row])
    ]
    return sorted(found, key=lambda choice: choice.cost)


def _grasps(
    state: State,
    clouds: list[Floats],
    jaw: Jaw,
    tip: float,
    row: int,
    X_axis: Floats,
    mass_kg: float,
) -> list[Choice]:
    own = clouds[row]
    top, bottom = float(own[:, 2].max()), float(own[:, 2].min())
    z = max((top + bottom) / 2, top - DEEP_M, bottom + tip + LOW_M)
    bite = min(top - bottom, top - z + tip)
    others = [cloud for k, cloud in enumerate(clouds) if k != row and cloud[:, 2].max() > z - tip]
    near = [c for c in others if np.linalg.norm(c.mean(axis=0) - own.mean(axis=0)) < 0.4]
    closed, opened = jaw.opening_m
    com = state.parts.com[row]
    found = []
    for yaw in np.pi * np.arange(YAWS) / YAWS:
        x = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        y = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
        along = own @ x
        width = float(np.ptp(along))
        if width + 2 * SPARE_M > opened:
            continue
        middle = (along.max() + along.min()) / 2
        p = middle * x + float(com @ y) * y
        p[2] = z
        opening = min(opened, width + 6 * SPARE_M)
        room = min((_room(cloud, p, x, y, opening) for cloud in near), default=1.0)
        if room < 0.0:
            continue
        if float(x @ X_axis) < 0:  # the half turn that is nearer
            x, y = -x, -y
        turn = float(np.arccos(np.clip(x @ X_axis, -1.0, 1.0)))
        R_WG = np.column_stack([x, -y, (0.0, 0.0, -1.0)])
        X_WB = pose.pose(state.parts.R_WB[row], state.parts.p_WB[row])
        X_BG = pose.inverse(X_WB) @ pose.pose(R_WG, p)
        # Narrow sides hold better; turning takes time; neighbours are a risk; a part of a few grams
        # between fingers of 100 g is hard on the contact solver.
        cost = (
            width / opened
            + 0.3 * turn
            + 10.0 * (room < CLEAR_M)
            - min(room, 0.05) * 10.0
            + LIGHT_KG / mass_kg
        )
        cost += 100.0 * max(0.0, BITE_M - bite) + 200.0 * max(0.0, EASY_M - (opened - width))
        share = (opening - closed) / (opened - closed)
        found.append(Choice(row, X_BG, share, cost))
    return found


def _room(cloud: Floats, p: Floats, x: Floats, y: Floats, opening: float) -> float:
    """How far a neighbour's hull is from both open fingers, at least; negative: inside one."""
    relative = cloud - p
    u, v = relative @ x, relative @ y
    thick, wide = FINGER_M
    gaps = []
    for side in (1.0, -1.0):
        du = np.abs(u - side * (opening / 2 + thick / 2)) - thick / 2
        dv = np.abs(v) - wide / 2
        # The hull between its corners is not looked at: its box in finger axes stands for it.
        low, high = np.array([u.min(), v.min()]), np.array([u.max(), v.max()])
        middle = np.array([side * (opening / 2 + thick / 2), 0.0])
        outside = np.maximum(np.maximum(low - middle, middle - high), 0.0) - (thick / 2, wide / 2)
        gaps.append(max(float(outside.max()), min(float(np.maximum(du, dv).min()), 0.0)))
    return min(gaps)


def suction(
    simulation: Simulation, state: State, cup: Vacuum, rows: list[int], low: Floats, high: Floats
) -> list[Choice]:
    """Places for a vertical cup on what can be seen from above inside a box, best first.

    A grid of rays looks down as a depth camera would; a place is good where all rays within the lip
    meet one part on a flat and nearly level patch.

    Args:
        simulation: to cast rays in.
        state: now.
        cup: what is to seal.
        rows: the parts that are wanted.
        low: (3,) corner of the box to look in, world.
        high: (3,) the other corner.
    """
    x = np.arange(low[0], high[0], GRID_M)
    y = np.arange(low[1], high[1], GRID_M)
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    shape = grid.shape[:2]
    starts = np.dstack([grid, np.full(shape, high[2] + OVER_M)]).reshape(-1, 3)
    ends = np.dstack([grid, np.full(shape, low[2])]).reshape(-1, 3)
    met, points, normals = simulation.cast(starts, ends)
    wanted = np.isin(met, rows).reshape(shape)
    part, height = met.reshape(shape), points[:, 2].reshape(shape)
    level = (normals[:, 2] > UPRIGHT).reshape(shape)
    good = wanted & level
    reach = int(np.ceil((cup.radius_m + AROUND_M) / GRID_M))
    lowest, highest = height.copy(), height.copy()
    for dx, dy in _disc(reach):
        other = _shifted(part, dx, dy, -3)
        z = _shifted(height, dx, dy, np.inf)
        good &= other == part
        lowest, highest = np.minimum(lowest, z), np.maximum(highest, z)
    good &= highest - lowest < FLAT_M + 2 * cup.radius_m * np.sqrt(1 - UPRIGHT**2) * 0.6
    found = []
    for i, j in zip(*np.nonzero(good), strict=True):
        row, p = int(part[i, j]), np.array([x[i], y[j], highest[i, j]])
        off = float(np.linalg.norm((p - state.parts.com[row])[:2]))
        tilt = float(highest[i, j] - lowest[i, j])
        found.append((2.0 * off + 10.0 * tilt - 0.5 * p[2], row, p))
    return [_cup_choice(state, row, p, cost) for cost, row, p in sorted(found, key=lambda c: c[0])]


def _cup_choice(state: State, row: int, p: Floats, cost: float) -> Choice:
    R_WG = state.tool.X_WG[:3, :3]
    X_WB = pose.pose(state.parts.R_WB[row], state.parts.p_WB[row])
    return Choice(row, pose.inverse(X_WB) @ pose.pose(R_WG, p), 0.0, cost)


def _disc(reach: int) -> list[tuple[int, int]]:
    span = range(-reach, reach + 1)
    return [(i, j) for i in span for j in span if 0 < i * i + j * j <= reach * reach]


def _shifted(values: NDArray[np.generic], dx: int, dy: int, fill: float) -> NDArray[np.generic]:
    """``values`` moved by (dx, dy) cells; what comes in from outside is ``fill``."""
    moved = np.full(values.shape, fill, dtype=np.float64)
    w, h = values.shape
    a, b = slice(max(dx, 0), w + min(dx, 0)), slice(max(dy, 0), h + min(dy, 0))
    c, d = slice(max(-dx, 0), w + min(-dx, 0)), slice(max(-dy, 0), h + min(-dy, 0))
    moved[a, b] = values[c, d]
    return moved
