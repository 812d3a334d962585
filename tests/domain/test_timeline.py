"""A day moves what the timeline says, by what it says, and nothing else."""

import json
from typing import Any

import numpy as np
import pytest

from simenv.domain.diff import diff, table
from simenv.domain.sample import Sample, sample
from simenv.envs.observe import most_parts
from simenv.errors import InputError
from simenv.spec.check import check
from simenv.spec.check_timeline import check_timeline
from simenv.spec.load import Task
from simenv.spec.object import ObjectModel, ObjectSpec
from simenv.spec.task import TaskSpec

COUNT = "actors.parts.count"
OBJECTS = "actors.parts.objects"
SPEED = "scene.belts.main.speed_m_s"
TEXTURE = "scene.belts.main.texture"
WIDTH = "scene.belts.main.width_m"
LIGHT = "look.light.elevation_deg"
KELVIN = "look.light.temperature_k"
SCENES = range(40)

DOMAIN: dict[str, Any] = {
    COUNT: {"kind": "semantic", "integers": (1, 5), "edge": {"full": {"integers": (6, 9)}}},
    OBJECTS: {"kind": "semantic", "choice": "all", "each": "actor"},
    "actors.parts.spawn.height_m": {"kind": "semantic", "uniform": (0.0, 0.1), "each": "actor"},
    SPEED: {
        "kind": "semantic",
        "uniform": (0.05, 0.3),
        "edge": {"fast": {"uniform": (0.3, 0.6)}},
    },
    TEXTURE: {"kind": "visual", "choice": {"rubber": 3, "steel": 1}},
    LIGHT: {"kind": "visual", "uniform": (25, 85)},
}


def make_task(*timeline: dict[str, Any], guests: dict[str, Any] | None = None) -> Task:
    """Parts on a belt, a group of guests, and rows of a timeline."""
    zone = {"center": (0.0, 0.0, 0.0), "size_m": (0.4, 0.4)}
    group = {"objects": ("bolt", "can"), "count": 4, "spawn": {"zone": "in"}}
    pose = {"eye": (0.0, 0.0, 1.4), "target": (0.0, 0.0, 0.4)}
    spec = TaskSpec.model_validate(
        {
            "format": "simenv-task-1",
            "name": "belt",
            "actors": {"parts": group, "guests": {**group, **(guests or {})}},
            "scene": {
                "belts": {"main": {"length_m": 1, "width_m": 0.5, "top_z_m": 0, "speed_m_s": 0.1}},
                "zones": {"in": zone},
            },
            "cameras": {"top": {"resolution": (64, 48), "fov_y_deg": 45, "X_WC": pose}},
            "domain": DOMAIN,
            "timeline": timeline,
        }
    )
    task = Task(spec, {name: model(name) for name in ("bolt", "can")})
    assert not [*check(spec, task.objects), *check_timeline(spec, task.objects)]
    return task


def model(name: str) -> ObjectModel:
    """A small box."""
    box = ({"shape": "box", "size_m": (0.03, 0.02, 0.01)},)
    keys = {"name": name, "class": name, "mesh": box, "collision": box, "mass_kg": 0.1}
    return ObjectModel(ObjectSpec.model_validate(keys))


def everything(got: Sample) -> str:
    """All values, as JSON."""
    return json.dumps([got.tier, dict(got.values), dict(got.part_values)])


def drawn(task: Task, path: str, day: float, **options: Any) -> list[Any]:
    """The values of one axis in some scenes."""
    return [sample(task, 0, scene, at_day=day, **options).values[path] for scene in SCENES]


ROWS: tuple[dict[str, Any], ...] = (
    {"axis": KELVIN, "cycle": {"period_days": 1.0, "amplitude": 800.0}},
    {"axis": SPEED, "drift": {"per_day": 0.001, "from_day": 5.0, "until_day": 60.0}},
    {"axis": TEXTURE, "shift": {"day": 30.0, "to": "green_pvc"}},
    {"axis": TEXTURE, "shift": {"day": 40.0, "to": "wood"}},
    {"axis": LIGHT, "shift": {"day": 30.0, "to": {"uniform": (30.0, 40.0)}}},
    {"axis": LIGHT, "cycle": {"period_days": 4.0, "amplitude": 2.0}},
    {"axis": COUNT, "drift": {"per_day": 0.1, "until_day": 20.0}},
    {"axis": WIDTH, "shift": {"day": 50.0, "to": {"uniform": (0.4, 0.45)}}},
)
TASK = make_task(*ROWS)


def test_day_0_is_the_task_as_it_is_written() -> None:
    plain = make_task()
    for tier in ("core", "edge"):
        for scene in SCENES:
            now, bare = (sample(task, 0, scene, tier=tier) for task in (TASK, plain))
            assert {path: now.values[path] for path in bare.values} == bare.values
            assert now.part_values == bare.part_values
            assert now.time_days == 0.0
            assert (now.values[KELVIN], now.values[WIDTH]) == (6500.0, 0.5)


def test_a_cycle_comes_back_after_its_period() -> None:
    assert drawn(TASK, KELVIN, 0.25) == [7300.0] * len(SCENES)
    assert drawn(TASK, KELVIN, 0.75) == [5700.0] * len(SCENES)
    for day in (0.5, 1.0, 17.0, 29.5):
        assert drawn(TASK, KELVIN, day) == [6500.0] * len(SCENES)


def test_a_drift_moves_every_value_by_the_same_amount() -> None:
    before, after, end = (np.array(drawn(TASK, SPEED, day)) for day in (0, 25, 500))
    np.testing.assert_allclose(after - before, 0.020, atol=1e-15)
    np.testing.assert_allclose(end - before, 0.055, atol=1e-15)


def test_edges_move_with_their_axis_and_do_not_shift() -> None:
    task = make_task(
        {"axis": SPEED, "shift": {"day": 3.0, "to": 0.2}},
        {"axis": SPEED, "drift": {"per_day": 0.01, "until_day": 9.0}},
    )
    for scene in SCENES:
        was, is_ = (sample(task, 0, scene, tier="edge", at_day=day) for day in (0.0, 4.0))
        assert was.tier == is_.tier
        fast = was.tier == f"{SPEED}/fast"
        expected = was.values[SPEED] if fast else 0.2
        assert is_.values[SPEED] == pytest.approx(expected + 0.04)  # type: ignore[operator]


def test_the_latest_shift_counts_then_drift_then_cycle() -> None:
    assert set(drawn(TASK, TEXTURE, 29.99)) == {"rubber", "steel"}
    assert set(drawn(TASK, TEXTURE, 30)) == {"green_pvc"}
    assert set(drawn(TASK, TEXTURE, 1e6)) == {"wood"}
    u = (np.array(drawn(TASK, LIGHT, 0)) - 25) / 60
    np.testing.assert_allclose(drawn(TASK, LIGHT, 33), 30 + 10 * u + 2)  # 33 days: a top of 4


def test_whole_numbers_move_in_whole_steps() -> None:
    start = np.array(drawn(TASK, COUNT, 0))
    for day, step in [(4.9, 0), (5, 1), (14.9, 1), (15, 2), (90, 2)]:
        assert np.array_equal(drawn(TASK, COUNT, day), start + step)
        assert all(type(value) is int for value in drawn(TASK, COUNT, day))
    assert most_parts(TASK, "parts") == 9 + 2


def test_a_nominal_value_can_begin_to_vary() -> None:
    assert drawn(TASK, WIDTH, 49.9) == [0.5] * len(SCENES)
    widths = drawn(TASK, WIDTH, 50)
    assert len(set(widths)) == len(SCENES)
    assert all(0.4 <= width <= 0.45 for width in widths)


def test_a_group_comes_and_goes() -> None:
    task = make_task(guests={"from_day": 10.0, "until_day": 60.0})
    count = "actors.guests.count"
    for day, there in [(0, 0), (9.99, 0), (10, 4), (59.9, 4), (60, 0), (1000, 0)]:
        assert drawn(task, count, day) == [there] * len(SCENES)
        assert drawn(task, count, day, tier="edge") == [there] * len(SCENES)


def test_a_retired_group_has_no_parts_whatever_its_axes_draw() -> None:
    task = make_task()
    parts = task.spec.actors["parts"].model_copy(update={"until_day": 7.0})
    spec = task.spec.model_copy(update={"actors": {**task.spec.actors, "parts": parts}})
    gone = sample(Task(spec, task.objects), 0, 3, tier="edge", at_day=7.0)
    assert gone.values[COUNT] == 0
    assert set(gone.part_values.values()) == {()}


def test_the_days_add_nothing_to_what_an_edge_case_sets_and_bring_no_group_back() -> None:
    heights, guests = "actors.parts.spawn.height_m", "actors.guests.count"
    spec = make_task(
        {"axis": SPEED, "drift": {"per_day": 0.01, "until_day": 9.0}},
        {"axis": heights, "drift": {"per_day": 0.01, "until_day": 9.0}},
        {"axis": KELVIN, "shift": {"day": 3.0, "to": 5000.0}},
        guests={"from_day": 10.0},
    ).spec
    set_ = {SPEED: (0.5,), heights: (0.25,), KELVIN: (9000.0,), guests: (9,)}
    rows = {path: {"choice": choice} for path, choice in set_.items()}
    case = {"set": rows, "guarantee": {"parts": {"min": 1}}}
    own = TaskSpec.model_validate({**spec.model_dump(), "edge_cases": {"rush": case}})
    task = Task(own, make_task().objects)
    for day, count in ((9.0, 0), (10.0, 9)):
        got = sample(task, 0, 3, tier="rush", at_day=day)
        assert (got.values[SPEED], got.values[KELVIN]) == (0.5, 9000.0)
        assert set(got.part_values[heights]) == {0.25}
        assert got.values[guests] == count


@pytest.mark.parametrize(
    ("days", "named"),
    [
        ((0, 0), set()),
        ((0, 4), set()),  # whole periods, before the drift of the speed; 0.4 parts are none
        ((0, 0.25), {KELVIN, LIGHT}),
        ((0, 6), {SPEED, COUNT}),  # one period and a half
        ((28, 32), {SPEED, TEXTURE, LIGHT}),
        ((60, 64), set()),
    ],
)
def test_diff_names_what_has_moved_and_nothing_else(
    days: tuple[float, float], named: set[str]
) -> None:
    assert {row.path for row in diff(TASK, *days, scenes=64)} == named
    for scene in range(100, 130):  # scenes that diff has not seen
        was, is_ = (sample(TASK, 0, scene, at_day=day) for day in days)
        for path in was.values.keys() - named:
            assert was.values[path] == is_.values[path]
        for path in was.part_values:
            both = zip(was.part_values[path], is_.part_values[path], strict=False)
            assert all(a == b for a, b in both)


def test_the_table_of_a_diff_says_what_was_and_what_is() -> None:
    task = make_task(
        *ROWS[:3],
        {"axis": "look.backdrop.color", "drift": {"per_day": (0.01, 0.0, 0.0), "until_day": 10.0}},
        guests={"from_day": 10.0},
    )
    lines = table(diff(task, 0, 30.25), 0, 30.25).splitlines()
    assert [line.split() for line in (lines[0], lines[1], lines[-1])] == [
        ["axis", "kind", "day", "0", "day", "30.25"],
        ["actors.guests", "semantic", "absent", "there"],
        ["actors.guests.count", "semantic", "0", "4"],
    ]
    rows = {line.split()[0]: line for line in lines}
    assert rows[KELVIN].split()[1:] == ["visual", "6500", "7300"]
    assert "rubber 75%, steel 25%" in rows[TEXTURE]
    assert rows[TEXTURE].endswith("green_pvc")
    assert rows["look.backdrop.color"].endswith("0.8; 0.7; 0.7")
    assert "0.07" in rows[SPEED]
    assert table([], 0, 3) == "nothing moved between day 0 and day 3"


@pytest.mark.parametrize("day", [-0.5, float("nan"), float("inf")])
def test_a_day_that_is_none_is_refused(day: float) -> None:
    with pytest.raises(InputError, match=f"^day {day:g} is not on the timeline; use 0 or larger$"):
        sample(TASK, 0, 0, at_day=day)


def test_the_look_seed_redraws_what_a_shift_lets_vary() -> None:
    task = make_task({"axis": KELVIN, "shift": {"day": 3.0, "to": {"uniform": (4000.0, 9000.0)}}})
    one, other = (sample(task, 0, 5, at_day=3.0, look_seed=look) for look in (None, 8))
    assert one.values[KELVIN] != other.values[KELVIN]
    assert one.values[SPEED] == other.values[SPEED]
    assert everything(one) == everything(sample(task, 0, 5, at_day=9.0))
