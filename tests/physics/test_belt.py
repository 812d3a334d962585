"""Belts: parts ride exactly at the belt's speed, whatever their shape, and its edges are true."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.physics.world import Outcome, World
from simenv.spec.object import Friction, ObjectModel
from tests.physics.build import at, ball, belt, block, can, hulled, lowest, part, prism, scene

TOP_M = 0.4
SHAPES = ["box", "cylinder", "prism", "mesh"]


def shape(name: str, folder: Path) -> tuple[ObjectModel, float]:
    """A part, and the height of its origin when it stands."""
    if name == "box":
        return block(0.04, 0.03, 0.02), 0.01
    if name == "cylinder":
        return can(0.015, 0.02), 0.01
    if name == "prism":
        return hulled(folder, "prism", prism(0.015, 0.02)), 0.01
    foot = prism(0.02, 0.01, sides=10) + np.array([0.0, 0.0, 0.005])
    neck = prism(0.008, 0.04, sides=7) + np.array([0.004, 0.0, 0.03])
    return hulled(folder, "mesh", foot, neck), 0.0


def path(outcome: Outcome) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times (F,) since the first frame and positions (F, 3) of body 0 relative to then."""
    assert outcome.reason == ""
    times = np.array([snapshot.capture_time_s for snapshot in outcome.snapshots])
    places = np.array([snapshot.X_WB[0, :3, 3] for snapshot in outcome.snapshots])
    return times, places - places[0]


@pytest.mark.parametrize("speed", [0.05, 0.5])
@pytest.mark.parametrize("name", SHAPES)
def test_parts_ride_at_the_belts_speed(
    world: World, tmp_path: Path, name: str, speed: float
) -> None:
    model, height = shape(name, tmp_path)
    item = part(model, at(-1.8, 0.02, TOP_M + height + 0.02, (0, 0, 20)))
    outcome = world.run(scene(item, belt(speed_m_s=speed), frames=31))
    times, places = path(outcome)
    assert places[-1, 0] / times[-1] == pytest.approx(speed, rel=2e-3)
    assert abs(places[:, 0] - speed * times).max() < 2e-4  # s = v t, at every frame
    assert abs(places[:, 1]).max() < 2e-4
    for snapshot in outcome.snapshots:
        assert lowest(item, snapshot.X_WB[0]) == pytest.approx(TOP_M, abs=3e-4)
        assert np.linalg.norm(snapshot.velocity[0, 3:]) < 0.1  # it does not rock


def test_a_turned_belt_carries_along_its_own_x(world: World) -> None:
    item = part(block(0.04, 0.03, 0.02), at(0, 0, TOP_M + 0.03))
    outcome = world.run(scene(item, belt(speed_m_s=0.2, yaw_deg=35.0), frames=11))
    times, places = path(outcome)
    along = np.array([np.cos(np.radians(35)), np.sin(np.radians(35)), 0.0])
    assert places == pytest.approx(0.2 * times[:, None] * along, abs=2e-4)


def test_a_negative_speed_carries_backwards(world: World) -> None:
    item = part(block(0.04, 0.03, 0.02), at(0, 0, TOP_M + 0.03))
    times, places = path(world.run(scene(item, belt(speed_m_s=-0.2), frames=6)))
    assert places[:, 0] == pytest.approx(-0.2 * times, abs=2e-4)


def test_stop_and_go_covers_the_integral_of_the_profile(world: World) -> None:
    # Factor of the speed: runs, brakes within 0.5 s, stands 1 s, starts again within 0.5 s.
    profile = ((0.0, 1.0), (1.0, 1.0), (1.5, 0.0), (2.5, 0.0), (3.0, 1.0))
    item = part(block(0.04, 0.03, 0.02), at(-1, 0, TOP_M + 0.01))
    items = [item, belt(speed_m_s=0.3, profile=profile, profile_from="capture")]
    outcome = world.run(scene(*items, frames=41))
    times, places = path(outcome)
    grid = np.linspace(0, 4, 40001)
    knots, values = np.array(profile).T
    factors = np.interp(grid, knots, values)
    distance = np.concatenate([[0], np.cumsum((factors[1:] + factors[:-1]) / 2 * np.diff(grid))])
    assert places[:, 0] == pytest.approx(0.3 * np.interp(times, grid, distance), abs=3e-4)
    assert outcome.snapshots[20].velocity[0, 0] == pytest.approx(0.0, abs=1e-3)


def test_before_the_first_frame_a_capture_profile_has_its_first_value(world: World) -> None:
    items = [
        part(block(0.04, 0.03, 0.02), at(-1, 0, TOP_M + 0.01)),
        belt(speed_m_s=0.3, profile=((0.0, 0.0), (1.0, 1.0)), profile_from="capture"),
    ]
    outcome = world.run(scene(*items, frames=21))
    _, places = path(outcome)
    assert outcome.snapshots[0].X_WB[0, 0, 3] == pytest.approx(-1.0, abs=1e-3)
    assert places[10, 0] == pytest.approx(0.15, abs=5e-4)  # the ramp: v t / 2
    assert places[20, 0] == pytest.approx(0.45, abs=5e-4)


def test_a_drop_profile_counts_from_the_drop(world: World) -> None:
    # Stands for 1 s after the drop: the part has settled by then, and the frames see the start.
    profile = ((0.0, 0.0), (1.0, 0.0), (1.5, 1.0))
    items = [
        part(block(0.04, 0.03, 0.02), at(-1, 0, TOP_M + 0.012)),
        belt(speed_m_s=0.3, profile=profile),
    ]
    outcome = world.run(scene(*items, frames=21))
    start = outcome.duration_s
    assert start < 1.0
    _, places = path(outcome)
    assert places[-1, 0] == pytest.approx(0.3 * (0.25 + start + 2.0 - 1.5), abs=1e-3)


@pytest.mark.parametrize("gap", [0.0, 0.01])
def test_parts_are_handed_over_between_belts(world: World, gap: float) -> None:
    item = part(block(0.06, 0.04, 0.03), at(-0.3, 0.0, TOP_M + 0.02))
    first = belt(speed_m_s=0.3, length_m=1.0, center=(-0.5, 0.0))
    second = belt(speed_m_s=0.1, length_m=1.0, center=(0.5 + gap, 0.0))
    outcome = world.run(scene(item, first, second, frames=41))
    assert outcome.reason == ""
    speeds = np.array([snapshot.velocity[0, 0] for snapshot in outcome.snapshots])
    assert speeds[0] == pytest.approx(0.3, rel=0.01)
    assert speeds[-10:] == pytest.approx(0.1, rel=0.01)
    last = outcome.snapshots[-1].X_WB[0]
    assert lowest(item, last) == pytest.approx(TOP_M, abs=3e-4)
    assert abs(last[1, 3]) < 2e-3


def test_a_part_falls_off_the_end_where_the_end_is(world: World) -> None:
    item = part(block(0.06, 0.04, 0.03), at(0.3, 0.0, TOP_M + 0.016))
    short = belt(speed_m_s=0.2, length_m=1.0)
    # Without a floor below it is not yet lost when it leaves the belt.
    outcome = world.run(scene(item, short, frames=14, floor_z_m=-20.0))
    heights = np.array([s.X_WB[0, 2, 3] for s in outcome.snapshots]) - TOP_M
    places = np.array([s.X_WB[0, 0, 3] for s in outcome.snapshots])
    on = places < 0.5 - 0.002
    assert on.sum() >= 4
    assert heights[on] == pytest.approx(0.015, abs=3e-4)
    assert heights[-1] < -0.01


def test_a_part_that_overhangs_by_less_than_half_stays(world: World) -> None:
    item = part(block(0.06, 0.04, 0.03), at(0.0, 0.25 - 0.005, TOP_M + 0.016))
    outcome = world.run(scene(item, belt(speed_m_s=0.2), frames=11))
    assert outcome.reason == ""
    assert lowest(item, outcome.snapshots[-1].X_WB[0]) == pytest.approx(TOP_M, abs=3e-4)


def test_a_part_under_the_belt_does_not_notice_it(world: World) -> None:
    item = part(block(0.06, 0.04, 0.03), at(0.0, 0.0, 0.05))
    outcome = world.run(scene(item, belt(speed_m_s=0.2), frames=3))
    assert outcome.reason == ""
    assert lowest(item, outcome.snapshots[-1].X_WB[0]) == pytest.approx(0.0, abs=3e-4)


def test_stacked_parts_ride_together(world: World) -> None:
    lower = part(block(0.08, 0.08, 0.03), at(-1.0, 0.0, TOP_M + 0.016))
    upper = part(block(0.04, 0.04, 0.03), at(-1.0, 0.0, TOP_M + 0.048))
    outcome = world.run(scene(lower, upper, belt(speed_m_s=0.25), frames=21))
    moved = outcome.snapshots[-1].X_WB[:2, 0, 3] - outcome.snapshots[0].X_WB[:2, 0, 3]
    assert moved == pytest.approx(0.5, rel=2e-3)


def test_parts_that_spin_when_they_land_come_to_rest_on_a_belt(world: World) -> None:
    grip = Friction(lateral=0.5, rolling=0.01, spinning=0.01)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        items = []
        for k, x in enumerate((-1.0, -0.94, -0.97)):
            angles = rng.uniform(-180, 180, 3).tolist()
            X_WB = at(x, 0.01 * k, TOP_M + 0.06 + 0.06 * k, (angles[0], angles[1], angles[2]))
            items.append(part([can(0.02, 0.04), ball(0.015), can(0.015, 0.03)][k], X_WB, grip))
        assert world.run(scene(*items, belt(speed_m_s=0.2))).reason == ""
