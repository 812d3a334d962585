"""Laws of falling, resting and sliding, checked against their formulas."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import pose
from simenv.physics.world import World
from simenv.spec.object import Box, Friction, ObjectModel
from simenv.spec.task import Physics
from tests.physics.build import (
    AT_ONCE,
    at,
    ball,
    block,
    can,
    hulled,
    lowest,
    model,
    part,
    prism,
    scene,
    table,
    tote,
)

G = 9.81
HOVER_M = 3e-4  # how far a resting part may be from what carries it


def corners(size: tuple[float, float, float], p: tuple[float, float, float]) -> NDArray[np.float64]:
    """Corners (8, 3) of a box at ``p``."""
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    return np.asarray(signs * np.array(size) / 2 + np.array(p))


def l_bracket(folder: Path) -> ObjectModel:
    """Two plates; the origin is in the corner, far from the centre of mass."""
    flat = corners((0.06, 0.03, 0.004), (0.03, 0.0, 0.002))
    wall = corners((0.004, 0.03, 0.05), (0.002, 0.0, 0.025))
    return hulled(folder, "l_bracket", flat, wall)


def test_free_fall_is_semi_implicit_euler(world: World) -> None:
    item = part(block(0.04, 0.03, 0.02), at(0, 0, 2.0))
    outcome = world.run(scene(item, settle=AT_ONCE, fps=20, frames=9))
    first = outcome.snapshots[0]
    dt = 1 / 240
    for snapshot in outcome.snapshots:
        n = round(snapshot.time_s / dt)
        assert snapshot.X_WB[0, 2, 3] == pytest.approx(
            2.0 - G * dt * dt * n * (n + 1) / 2, abs=1e-9
        )
        assert snapshot.velocity[0, 2] == pytest.approx(-G * dt * n, abs=1e-9)
    assert outcome.duration_s == first.time_s < 0.05


def test_frames_come_at_exact_multiples_of_their_interval(world: World) -> None:
    for fps, rate in ((7.0, 240.0), (30.0, 100.0), (1000.0, 240.0)):
        physics = Physics(rate_hz=rate, settle=AT_ONCE)
        outcome = world.run(
            scene(part(ball(0.01), at(0, 0, 3.0)), physics=physics, fps=fps, frames=4)
        )
        times = np.array([snapshot.time_s for snapshot in outcome.snapshots])
        assert np.diff(times) == pytest.approx(1 / fps, abs=1e-12)
        assert [s.capture_time_s for s in outcome.snapshots] == [k / fps for k in range(4)]
        assert [s.frame for s in outcome.snapshots] == [0, 1, 2, 3]


@pytest.mark.parametrize("rpy_deg", [(0, 0, 30), (90, 0, 0), (0, 90, 10)])
def test_a_dropped_box_rests_on_the_table_on_one_of_its_faces(
    world: World, rpy_deg: tuple[float, float, float]
) -> None:
    item = part(block(0.06, 0.04, 0.02), at(0.1, -0.1, 0.45, rpy_deg))
    outcome = world.run(scene(item, table()))
    X_WB = outcome.snapshots[0].X_WB[0]
    assert outcome.reason == ""
    assert lowest(item, X_WB) == pytest.approx(0.4, abs=HOVER_M)
    assert abs(X_WB[2, :3]).max() == pytest.approx(1.0, abs=1e-4)  # one axis is vertical
    half = np.array([0.03, 0.02, 0.01])[int(np.argmax(abs(X_WB[2, :3])))]
    assert X_WB[2, 3] - 0.4 == pytest.approx(half, abs=HOVER_M)


def test_every_shape_rests_on_every_support(world: World, tmp_path: Path) -> None:
    shapes = {
        "box": block(0.05, 0.04, 0.03),
        "can": can(0.02, 0.03),
        "ball": ball(0.02),
        "prism": hulled(tmp_path, "prism", prism(0.02, 0.03, sides=12)),
        "l_bracket": l_bracket(tmp_path),
    }
    for name, shape in shapes.items():
        for support, top_m in ((table(), 0.4), (tote(), 0.02), (None, 0.0)):
            item = part(shape, at(0.0, 0.0, top_m + 0.07, (0, 0, 15)))
            items = [item] if support is None else [item, support]
            outcome = world.run(scene(*items))
            assert outcome.reason == "", name
            height = lowest(item, outcome.snapshots[0].X_WB[0]) - top_m
            assert abs(height) < HOVER_M, (name, height)
            assert outcome.penetration_m < 2e-4


def test_an_offset_centre_of_mass_does_not_offset_the_reported_pose(
    world: World, tmp_path: Path
) -> None:
    bracket = l_bracket(tmp_path)
    com, _ = bracket.mass_properties
    assert np.linalg.norm(com) > 0.015
    item = part(bracket, at(0.0, 0.0, 0.43, (20, -35, 60)))
    outcome = world.run(scene(item, table()))
    X_WB = outcome.snapshots[0].X_WB[0]
    touching = pose.apply(X_WB, bracket.mesh.vertices)[:, 2] < 0.4 + 1e-3
    assert lowest(item, X_WB) == pytest.approx(0.4, abs=HOVER_M)
    assert touching.sum() >= 3  # it stands on a face or on an edge and a corner


def test_a_loaded_die_falls_on_its_heavy_side(world: World) -> None:
    shape = Box(shape="box", size_m=(0.03, 0.03, 0.03))
    die = model("die", shape)
    die = ObjectModel(die.spec.model_copy(update={"com_m": (0.0, 0.0, -0.013)}))
    item = part(die, at(0, 0, 0.45, (65, 0, 0)))  # the heavy face to the side
    outcome = world.run(scene(item, table()))
    assert outcome.snapshots[0].X_WB[0, 2, 2] == pytest.approx(1.0, abs=1e-4)


def test_the_origins_velocity_is_the_derivative_of_its_position(
    world: World, tmp_path: Path
) -> None:
    # Tumbling in the air: it spins because it hits the edge of the table first.
    item = part(l_bracket(tmp_path), at(0.485, 0.0, 0.46, (0, 30, 0)))
    outcome = world.run(scene(item, table(), settle=AT_ONCE, fps=240, frames=60))
    spins = []
    for before, after in zip(outcome.snapshots, outcome.snapshots[1:], strict=False):
        step = after.X_WB[0, :3, 3] - before.X_WB[0, :3, 3]
        v, w = after.velocity[0, :3], after.velocity[0, 3:]
        spins.append(np.linalg.norm(w))
        # The origin turns about the centre of mass within the step: second order in w dt.
        assert step * 240 == pytest.approx(v, abs=0.03 * (1e-3 + float(np.linalg.norm(w)) * 0.05))
    assert max(spins) > 1.0


def test_spin_follows_euler_s_equations_for_the_given_inertia(world: World) -> None:
    # It falls on the edge of the table, and keeps its angular momentum from there on.
    # The inertia is not that of an evenly filled bar, so Bullet cannot have it from the shape.
    bar = model(
        "bar",
        Box(shape="box", size_m=(0.10, 0.02, 0.01)),
        inertia=(4e-5, 6e-5, 9e-5, 1e-5, 0.0, 0.0),
    )
    item = part(bar, at(0.53, 0.0, 0.415, (0, 0, 25)))
    outcome = world.run(scene(item, table(), settle=AT_ONCE, fps=240, frames=66, floor_z_m=-5))
    _, inertia = bar.mass_properties
    momenta = []
    for snapshot in outcome.snapshots[-20:]:
        R_WB = snapshot.X_WB[0, :3, :3]
        momenta.append(R_WB @ inertia @ R_WB.T @ snapshot.velocity[0, 3:])
    assert np.linalg.norm(momenta[0]) > 1e-5
    assert np.ptp(momenta, axis=0).max() < 0.05 * np.linalg.norm(momenta[0])


@pytest.mark.parametrize(("angle_deg", "slides"), [(14.0, False), (26.0, True)])
def test_a_box_on_a_slope_obeys_coulomb(world: World, angle_deg: float, slides: bool) -> None:
    # Bullet multiplies the coefficients: 0.6 * 0.6 = 0.36 = tan(19.8 deg).
    grip = Friction(lateral=0.6, rolling=0.0, spinning=0.0)
    slope = table(0.4, (0, angle_deg, 0))
    X_WB = at(0, 0, 0.4, (0, angle_deg, 0)) @ pose.pose(p_AB=(-0.4, 0, 0.0101))
    item = part(block(0.05, 0.04, 0.02), X_WB, grip)
    outcome = world.run(scene(item, slope, settle=AT_ONCE, fps=40, frames=13))
    start, end = outcome.snapshots[4], outcome.snapshots[12]
    moved = np.linalg.norm(end.X_WB[0, :3, 3] - start.X_WB[0, :3, 3])
    angle, time = np.radians(angle_deg), 0.2
    if not slides:
        assert moved < 1e-4
        return
    acceleration = G * (np.sin(angle) - 0.36 * np.cos(angle))
    start_speed = np.linalg.norm(start.velocity[0, :3])
    assert moved == pytest.approx(start_speed * time + acceleration * time**2 / 2, rel=0.03)


def test_without_gravity_nothing_moves(world: World) -> None:
    item = part(ball(0.02), at(0, 0, 1.0))
    outcome = world.run(scene(item, gravity_m_s2=0.0, frames=3))
    assert outcome.duration_s == pytest.approx(0.3, abs=0.04)  # hold_s, then the poll
    assert np.array_equal(outcome.snapshots[2].X_WB[0], item.X_WB)


def test_furniture_and_floor_stay_where_the_scene_has_them(world: World) -> None:
    items = [part(ball(0.02), at(0, 0, 0.5)), table()]
    outcome = world.run(scene(*items, frames=2))
    for snapshot in outcome.snapshots:
        assert np.array_equal(snapshot.X_WB[1], items[1].X_WB)
        assert not snapshot.velocity[1].any()


def test_an_empty_scene_has_its_frames(world: World) -> None:
    outcome = world.run(scene(table(), frames=2))
    assert outcome.reason == ""
    assert len(outcome.snapshots) == 2


@pytest.mark.parametrize("height_m", [0.02, 0.2])
def test_a_thin_plate_that_lands_flat_on_the_floor_is_accepted(
    world: World, height_m: float
) -> None:
    plate = part(block(0.08, 0.06, 0.002), at(0, 0, height_m))
    outcome = world.run(scene(plate))
    assert outcome.reason == ""
    assert outcome.snapshots[0].X_WB[0, 2, 3] == pytest.approx(0.001, abs=HOVER_M)
