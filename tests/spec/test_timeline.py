"""What a timeline that does not fit its task is told, and what a row says of a day."""

from pathlib import Path

import pytest

from simenv.errors import InputError
from simenv.spec.load import load_task, task_from_text
from simenv.spec.reach import reach
from simenv.spec.timeline import Change, Cycle, Drift, moved, offset

FULL = (Path(__file__).parent.parent / "data" / "full.yaml").read_text()
SPEED = "scene.belts.main.speed_m_s"
TEXTURE = "scene.belts.main.texture"

# fmt: off
WRONG = [  # rows of the timeline, and what is said of them; the first is in line 55
    (["axis: scene.belts.main.sped_m_s, drift: {per_day: 1, until_day: 2}"],
     "55:12: timeline.0.axis: no such path; did you mean scene.belts.main.speed_m_s?"),
    (["axis: cameras.overhead.resolution, shift: {day: 3, to: [8, 8]}"],
     "55:12: timeline.0.axis: cameras.overhead.resolution is one for the whole dataset and "
     "cannot move; remove the row"),
    ([f"axis: {SPEED}, drift: {{per_day: 1, until_day: 2}}, shift: {{day: 3, to: 1.0}}"],
     "55:5: timeline.0: must have exactly one of cycle, drift, shift, got drift and shift; "
     "keep one"),
    ([f"axis: {SPEED}"],
     "55:5: timeline.0: must have exactly one of cycle, drift, shift, got none; keep one"),
    ([f"axis: {SPEED}, drift: {{per_day: 1}}"],
     "55:40: timeline.0.drift.until_day: is missing; add it, for example `until_day: 1.0`"),
    ([f"axis: {SPEED}, drift: {{per_day: 1, from_day: 5, until_day: 2}}"],
     "55:84: timeline.0.drift.until_day: 2 is not after from_day 5; choose a later day"),
    ([f"axis: {SPEED}, drift: {{per_day: 1, until_day: 10}}"],
     "55:47: timeline.0.drift: on day 10 9.9 does not fit: scene.belts.main.speed_m_s: must be a "
     "number from -5 to 5, got 9.9; write for example 5"),
    ([f"axis: {SPEED}, drift: {{per_day: 0.01, until_day: 60}}",
      f"axis: {SPEED}, shift: {{day: 30, to: 4.8}}"],
     "55:47: timeline.0.drift: on day 30 5.1 does not fit: scene.belts.main.speed_m_s: must be a "
     "number from -5 to 5, got 5.1; write for example 5"),
    ([f"axis: {SPEED}, drift: {{per_day: 0.16, until_day: 60}}",  # too far before the shift
      f"axis: {SPEED}, shift: {{day: 30, to: -5.0}}"],
     "55:47: timeline.0.drift: on day 30 5.1 does not fit: scene.belts.main.speed_m_s: must be a "
     "number from -5 to 5, got 5.1; write for example 5"),
    ([f"axis: {SPEED}, cycle: {{period_days: 1, amplitude: 5.5, phase_days: 0.25}}"],
     "55:47: timeline.0.cycle: on day 0 -5.6 does not fit: scene.belts.main.speed_m_s: must be a "
     "number from -5 to 5, got -5.6; write for example -5"),
    ([f"axis: {SPEED}, cycle: {{period_days: 0, amplitude: 1}}"],
     "55:61: timeline.0.cycle.period_days: must be a number above 0, got 0; write for example "
     "1.0"),
    ([f"axis: {SPEED}, cycle: {{period_days: 1, amplitude: [1, 2]}}"],
     "55:47: timeline.0.cycle: scene.belts.main.speed_m_s can be -0.1; give one number to add"),
    (["axis: look.backdrop.color, drift: {per_day: 0.001, until_day: 2}"],
     "55:40: timeline.0.drift: look.backdrop.color can be [0.0, 0.0, 0.0]; give a list of 3 "
     "numbers to add"),
    (["axis: look.backdrop.color, drift: {per_day: [0.0, 0.0, 0.01], until_day: 2}"],
     "55:40: timeline.0.drift: on day 2 [1.0, 1.0, 1.02] does not fit: look.backdrop.color.2: "
     "must be a number from 0 to 1, got 1.02; write for example 1"),
    ([f"axis: {TEXTURE}, drift: {{per_day: 1, until_day: 2}}"],
     "55:45: timeline.0.drift: adds to numbers, and scene.belts.main.texture can be rubber; use "
     "shift"),
    ([f"axis: {TEXTURE}, shift: {{day: 0, to: steel}}"],
     "55:51: timeline.0.shift.day: must be a number above 0, got 0; write for example 1.0"),
    (["axis: look.light.elevation_deg, shift: {day: 3, to: 95.0}"],
     "55:58: timeline.0.shift.to: 95.0 does not fit: look.light.elevation_deg: must be a number "
     "from 1 to 90, got 95.0; write for example 90"),
    (["axis: look.light.elevation_deg, shift: {day: 3, to: {uniform: [5, 95]}}"],
     "55:72: timeline.0.shift.to.uniform.1: 95.0 does not fit: look.light.elevation_deg: must be "
     "a number from 1 to 90, got 95.0; write for example 90"),
    (["axis: scene.belts.main.width_m, shift: {day: 3, to: {uniform: [0.9, 0.6]}}"],
     "55:68: timeline.0.shift.to.uniform: low 0.9 is above high 0.6; swap them"),
    (["axis: actors.parts.objects, shift: {day: 3, to: dics}"],
     "55:54: timeline.0.shift.to: no object dics; did you mean disc?"),
    (["axis: actors.parts.count, drift: {per_day: 10, until_day: 60}"],
     "55:39: timeline.0.drift: on day 60 601 does not fit: actors.parts.count: must be a whole "
     "number from 0 to 500, got 601; write for example 500"),
    ([f"axis: {TEXTURE}, shift: {{day: 3, to: steel}}",
      f"axis: {TEXTURE}, shift: {{day: 3, to: wood}}"],
     "56:12: timeline.1.axis: scene.belts.main.texture has a shift on day 3 in row 0 already; "
     "keep one of them"),
    (["axis: look.light, shift: {day: 3, to: {elevation_deg: 30}}"],
     "55:12: timeline.0.axis: look.light.elevation_deg lies inside look.light, and both vary; "
     "remove one of the two"),
    (["axis: cameras.overhead.X_WC.eye.0, drift: {per_day: 0.001, until_day: 2}"],
     "55:12: timeline.0.axis: cameras.overhead.X_WC.eye.0 lies inside cameras.overhead.X_WC.eye, "
     "and both vary; remove one of the two"),
]
# fmt: on


@pytest.mark.parametrize(("rows", "line"), WRONG)
def test_a_wrong_timeline_is_told_where_what_and_the_way_out(
    rows: list[str], line: str, tasks: Path
) -> None:
    (tasks / "full.yaml").write_text(with_rows(*rows))
    with pytest.raises(InputError) as caught:
        load_task("full.yaml")
    assert str(caught.value) == f"full.yaml:{line}"


def with_rows(*rows: str) -> str:
    """full.yaml with a timeline."""
    return FULL + "timeline:\n" + "".join(f"  - {{{row}}}\n" for row in rows)


@pytest.mark.parametrize(
    ("days", "line"),
    [
        ("from_day: 5, until_day: 5", "until_day: 5 is not after from_day 5; choose a later day"),
        ("from_day: -1", "from_day: must be a number at least 0, got -1; write for example 1.0"),
    ],
)
def test_wrong_days_of_a_group_are_told(days: str, line: str, tasks: Path) -> None:
    own = f"{{objects: block, {days}, spawn: {{zone: infeed}}}}"
    text = FULL.replace("actors:\n", f"actors:\n  guests: {own}\n", 1)
    (tasks / "full.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_task("full.yaml")
    assert str(caught.value).endswith(f"actors.guests.{line}")


def test_a_part_that_carries_a_camera_is_always_there(tasks: Path) -> None:
    text = FULL.replace("count: 3", "count: 3\n    from_day: 4", 1)
    old = "    X_WC: {eye: [0, 0, 1.4], target: [0, 0, 0.4]}"
    text = text.replace(old, "    mount: parts/0\n" + old.replace("X_WC", "X_MC"), 1)
    text = text.replace("cameras.overhead.X_WC.eye", "cameras.overhead.X_MC.eye")
    (tasks / "full.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_task("full.yaml")
    assert "there are days without parts, which do not fit: cameras.overhead.mount" in str(
        caught.value
    )


def test_objects_and_textures_that_only_a_shift_names_are_loaded(tasks: Path) -> None:
    alone = "objects: [block, disc]", "objects: block"
    row = "axis: actors.parts.objects, shift: {day: 3, to: {choice: [block, disc]}}"
    (tasks / "full.yaml").write_text(with_rows(row).replace(*alone, 1))
    assert sorted(load_task("full.yaml").objects) == ["block", "disc"]
    row = "axis: look.backdrop.image, shift: {day: 3, to: hall.png}"
    (tasks / "full.yaml").write_text(with_rows(row))
    with pytest.raises(InputError, match=r"55:53: timeline\.0\.shift\.to: .*hall\.png"):
        load_task("full.yaml")


def test_a_timeline_survives_the_text_that_datasets_store(tasks: Path) -> None:
    rows = [
        f"axis: {SPEED}, drift: {{per_day: 0.001, until_day: 60}}",
        f"axis: {TEXTURE}, shift: {{day: 3, to: null}}",
        "axis: scene.floor.texture, shift: {day: 3, to: {choice: {wood: 1, steel: 3}}}",
        "axis: actors.parts.spawn.orientation, shift: {day: 9, to: {rpy_deg: [0, 90, 0]}}",
        "axis: look.backdrop.color, shift: {day: 1, to: {uniform: [[0, 0, 0], [1, 1, 1]]}}",
    ]
    (tasks / "full.yaml").write_text(with_rows(*rows))
    task = load_task("full.yaml")
    again = task_from_text(task.text, near=tasks)
    assert again.spec == task.spec
    assert again.text == task.text
    assert list(again.axes)[: len(task.spec.domain)] == list(task.spec.domain)


def test_a_cycle_is_a_sine_that_is_exactly_0_at_its_nodes() -> None:
    cycle = Cycle(period_days=0.7, amplitude=3.0, phase_days=0.2)
    assert cycle.at(0.2 + 0.7 / 4) == pytest.approx(3.0)
    assert cycle.at(0.2 - 0.7 / 4) == pytest.approx(-3.0)
    assert cycle.at(0.2 + 0.7 / 12) == pytest.approx(1.5)  # sin 30 degrees is one half
    week = Cycle(period_days=7, amplitude=(800.0, -1.0))
    assert all(week.at(day) == (0.0, 0.0) for day in (0, 3.5, 7, 10.5, 700))
    assert week.at(1.75) == pytest.approx((800.0, -1.0))


def test_a_drift_begins_and_ends() -> None:
    drift = Drift(per_day=0.5, from_day=10, until_day=14)
    assert [drift.at(day) for day in (0, 10, 11, 14, 1000)] == [0.0, 0.0, 0.5, 2.0, 2.0]


def test_drifts_and_cycles_of_one_axis_add_up() -> None:
    rows = [
        Change(axis="x", cycle=Cycle(period_days=4, amplitude=0.25)),
        Change(axis="x", drift=Drift(per_day=1.0, until_day=2)),
        Change(axis="x", drift=Drift(per_day=-3.0, from_day=1, until_day=9)),
    ]
    assert offset(rows, 1) == 1.25
    assert offset(rows, 3) == 2.0 - 6.0 - 0.25
    assert moved(10.0, offset(rows, 3), whole=False) == 5.75
    assert moved(10, offset(rows, 3), whole=True) == 6
    assert moved((1.0, 2.0), (0.5, 0.0), whole=False) == (1.5, 2.0)


def test_the_reach_of_an_axis_holds_every_day_of_it(tasks: Path) -> None:
    rows = [
        f"axis: {SPEED}, drift: {{per_day: -0.01, from_day: 20, until_day: 50}}",
        f"axis: {SPEED}, cycle: {{period_days: 30, amplitude: 0.4, phase_days: 3}}",
        f"axis: {SPEED}, cycle: {{period_days: 1, amplitude: 0.2}}",
        f"axis: {SPEED}, shift: {{day: 40, to: {{uniform: [1, 2]}}}}",
    ]
    (tasks / "full.yaml").write_text(with_rows(*rows))
    spec = load_task("full.yaml").spec
    values = [value for _, value in reach(spec, SPEED, spec.domain[SPEED])]
    every = [
        end + float(offset(spec.timeline, day / 64))  # type: ignore[arg-type, operator]
        for day in range(200 * 64)
        for end in ((-0.1, 0.3) if day < 40 * 64 else (1, 2))
    ]
    assert min(values) == pytest.approx(min(every), abs=5e-3)
    assert max(values) == pytest.approx(max(every), abs=5e-3)
