"""Every reason to reject a scene is provoked by a scene that deserves it, and by no other."""

import numpy as np
import pytest

from simenv.physics.settle import EXPLODED_M_S, exploded
from simenv.physics.world import World
from simenv.spec.object import Friction
from simenv.spec.task import Physics, Settle
from tests.physics.build import AT_ONCE, at, ball, belt, block, part, scene, table


def test_parts_that_start_inside_each_other_are_an_overlap(world: World) -> None:
    items = [part(block(0.04, 0.04, 0.04), at(0, 0, 0.5)), part(ball(0.02), at(0.037, 0, 0.5))]
    outcome = world.run(scene(*items, table()))
    assert (outcome.reason, outcome.duration_s, outcome.snapshots) == ("overlap_spawn", 0.0, ())


def test_a_part_that_starts_inside_furniture_is_an_overlap(world: World) -> None:
    for furniture in (table(), belt(speed_m_s=0.1)):
        item = part(block(0.04, 0.04, 0.04), at(0, 0, 0.4 + 0.019))
        assert world.run(scene(item, furniture)).reason == "overlap_spawn"


def test_parts_that_just_touch_are_no_overlap(world: World) -> None:
    items = [part(block(0.04, 0.04, 0.04), at(x, 0, 0.4201)) for x in (-0.0201, 0.0201)]
    assert world.run(scene(*items, table())).reason == ""


def test_a_part_that_never_stops_is_unsettled(world: World) -> None:
    smooth = Friction(lateral=0.5, rolling=0.0, spinning=0.0)
    slope = table(0.4, (0, 3, 0))
    items = [part(ball(0.02), at(-0.3, 0, 0.45), smooth), slope]
    outcome = world.run(scene(*items, settle=Settle(limit_s=0.9)))
    assert outcome.reason == "unsettled"
    assert outcome.duration_s == pytest.approx(0.9, abs=0.02)


def test_riding_a_belt_counts_as_resting(world: World) -> None:
    item = part(block(0.04, 0.04, 0.04), at(-1, 0, 0.43))
    assert world.run(scene(item, belt(speed_m_s=0.4))).reason == ""


def test_rolling_against_the_belt_does_not_count_as_resting(world: World) -> None:
    # A ball without rolling friction spins up on the belt and stays slower than it.
    item = part(ball(0.02), at(-1, 0, 0.43), Friction(lateral=0.5, rolling=0.0, spinning=0.0))
    outcome = world.run(scene(item, belt(speed_m_s=0.3), settle=Settle(limit_s=0.9)))
    assert outcome.reason == "unsettled"


def test_falling_beside_the_table_is_off_world(world: World) -> None:
    slope, ice = table(0.4, (0, 20, 0)), Friction(lateral=0.1)
    item = part(block(0.04, 0.04, 0.03), at(0.3, 0, 0.32, (0, 20, 0)), ice)
    outcome = world.run(scene(item, slope))
    assert outcome.reason == "off_world"
    assert outcome.duration_s < 2.0  # noticed on the way, not at the limit


def test_lying_on_the_floor_is_fine_where_the_floor_is_the_support(world: World) -> None:
    assert world.run(scene(part(ball(0.02), at(0, 0, 0.05)))).reason == ""
    beside = part(block(0.04, 0.04, 0.04), at(2.0, 0, 0.05))
    assert world.run(scene(beside, table())).reason == ""


def test_falling_for_ever_is_off_world(world: World) -> None:
    outcome = world.run(scene(part(ball(0.02), at(0, 0, 1)), floor_z_m=None))
    assert outcome.reason == "off_world"
    assert outcome.duration_s == pytest.approx(np.sqrt(2 * 5 / 9.81), abs=0.03)


def test_a_part_that_rides_off_during_the_frames_is_off_world(world: World) -> None:
    item = part(block(0.04, 0.04, 0.03), at(0.2, 0, 0.42))
    outcome = world.run(scene(item, belt(speed_m_s=0.5, length_m=1.0), frames=31))
    assert outcome.reason == "off_world"
    assert outcome.snapshots == ()


def test_parts_pressed_into_each_other_are_a_penetration(world: World) -> None:
    # 200 kg on a feather: the solver cannot carry it, and the feather ends inside the weight.
    light = part(block(0.05, 0.05, 0.01, mass=1e-4), at(0, 0, 0.4055))
    heavy = part(block(0.2, 0.2, 0.2, mass=2000.0), at(0, 0, 0.52))
    physics = Physics(max_penetration_m=1e-3, solver_iterations=2)
    outcome = world.run(scene(light, heavy, table(), physics=physics))
    assert outcome.reason == "penetration"
    assert outcome.penetration_m > 1e-3


def test_a_part_inside_the_table_is_tunnelled(world: World) -> None:
    # 2.4 m/s at 60 Hz: 40 mm a step, so one step ends inside the slab, which is 50 mm thick.
    item = part(ball(0.005), at(0, 0, 0.4 + 0.305))
    physics = Physics(rate_hz=60.0, settle=AT_ONCE)
    outcome = world.run(scene(item, table(), physics=physics, fps=60, frames=20))
    assert outcome.reason == "tunnelled"


def test_a_shot_through_the_floor_is_tunnelled(world: World) -> None:
    # After n steps a part is g dt^2 n (n + 1) / 2 lower. These 380 steps end 0.15 m below the floor
    # and begin 0.17 m above it, at 19 m/s: past the plane, and not yet an explosion.
    n, dt, gravity = 380, 1 / 60, 3.0
    height_m = gravity * dt**2 * n * (n + 1) / 2 - 0.15
    item = part(ball(0.005), at(0, 0, height_m))
    physics = Physics(rate_hz=60.0, settle=Settle(limit_s=60.0))
    outcome = world.run(scene(item, physics=physics, gravity_m_s2=gravity))
    assert outcome.reason == "tunnelled"


def test_a_part_faster_than_any_drop_is_exploded(world: World) -> None:
    outcome = world.run(scene(part(ball(0.02), at(0, 0, 1)), gravity_m_s2=2000.0, floor_z_m=-50.0))
    assert outcome.reason == "exploded"


def test_not_a_number_is_an_explosion() -> None:
    assert exploded(np.array([0.0, np.nan]))
    assert exploded(np.array([0.0, EXPLODED_M_S]))
    assert not exploded(np.array([0.0, 0.9 * EXPLODED_M_S]))
    assert not exploded(np.zeros(0))
