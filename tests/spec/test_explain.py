"""What a wrong task file is told: the exact lines, and that their advice helps."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simenv.errors import InputError
from simenv.spec import yaml
from simenv.spec.explain import suggest
from simenv.spec.load import load_task, task_from_text

FULL = (Path(__file__).parent.parent / "data" / "full.yaml").read_text()
LINE = re.compile(r"^[^:]+:\d+:\d+: (?:(\S+): )?(.+)$")

# fmt: off
WRONG = [  # what is replaced in full.yaml, by what, and what is said
    ("speed_m_s: 0.15", "sped_m_s: 0.15",
     "18:7: scene.belts.main.sped_m_s: unknown key; did you mean speed_m_s?"),
    ("speed_m_s: 0.15", "speed_m_s: fast",
     "18:18: scene.belts.main.speed_m_s: must be a number from -5 to 5, got fast; write "
     "for example 1.0"),
    ("speed_m_s: 0.15", "speed_m_s: \"0,15\"",
     "18:18: scene.belts.main.speed_m_s: must be a number from -5 to 5, got \"0,15\"; "
     "write for example 0.15"),
    ("speed_m_s: 0.15", "speed_m_s: 9",
     "18:18: scene.belts.main.speed_m_s: must be a number from -5 to 5, got 9; write for "
     "example 5"),
    ("speed_m_s: 0.15", "speed_m_s: {a: 1}",
     "18:18: scene.belts.main.speed_m_s: must be a number from -5 to 5, got {a: 1}; "
     "write for example 1.0"),
    ("speed_m_s: 0.15", "speed_m_s: true",
     "18:18: scene.belts.main.speed_m_s: must be a number from -5 to 5, got true; write "
     "for example 1.0"),
    ("length_m: 1.6", "length_m: 0",
     "15:17: scene.belts.main.length_m: must be a number above 0, got 0; write for "
     "example 1.0"),
    ("      length_m: 1.6\n", "",
     "14:5: scene.belts.main.length_m: is missing; add it, for example `length_m: 1.0`"),
    ("count: 3", "count: 3.0",
     "8:12: actors.parts.count: must be a whole number from 0 to 500, got 3.0; write for "
     "example 3"),
    ("count: 3", "count: 2.5",
     "8:12: actors.parts.count: must be a whole number from 0 to 500, got 2.5; write for "
     "example 2"),
    ("count: 3", "count: -1",
     "8:12: actors.parts.count: must be a whole number from 0 to 500, got -1; write for "
     "example 1"),
    ("objects: [block, disc]", "objects: []",
     "7:14: actors.parts.objects: is empty; name at least one object"),
    ("objects: [block, disc]", "objects: 5",
     "7:14: actors.parts.objects: must be a list of names of a-z, 0-9 and _ or a name of "
     "a-z, 0-9 and _, got 5; write for example [my_name]"),
    ("objects: [block, disc]", "objects: [block, 5]",
     "7:22: actors.parts.objects.1: must be a name of a-z, 0-9 and _, got 5; write for "
     "example x_5"),
    ("objects: [block, disc]", "objects: Block-2",
     "7:14: actors.parts.objects: must be a list of names of a-z, 0-9 and _ or a name of "
     "a-z, 0-9 and _, got Block-2; write for example block_2"),
    ("objects: [block, disc]", "objects: {a: 1}",
     "7:14: actors.parts.objects: must be a list of names of a-z, 0-9 and _ or a name of "
     "a-z, 0-9 and _, got {a: 1}; write for example [my_name]"),
    ("zone: infeed", "zone: infed",
     "9:19: actors.parts.spawn.zone: no zone infed; there is infeed"),
    ("texture: concrete", "texture: concret",
     "12:30: scene.floor.texture: must be rubber, green_pvc, concrete, wood, plastic, "
     "steel, cardboard, checker, noise, stripes, terrazzo, shapes, gradient or null, "
     "got concret; write for example concrete"),
    ("texture: concrete", "texture: 5",
     "12:30: scene.floor.texture: must be rubber, green_pvc, concrete, wood, plastic, "
     "steel, cardboard, checker, noise, stripes, terrazzo, shapes, gradient or null, "
     "got 5; write for example rubber"),
    ("format: simenv-task-1", "format: simenv-task-2",
     "2:9: format: must be simenv-task-1, got simenv-task-2; write for example "
     "simenv-task-1"),
    ("format: simenv-task-1\n", "",
     "2:1: format: is missing; add it, for example `format: simenv-task-1`"),
    ("height_m: 0.05", "height_m: -1",
     "9:37: actors.parts.spawn.height_m: must be a number at least 0, got -1; write for "
     "example 1.0"),
    ("rpy_deg: [0, 0, 30]", "rpy_deg: [0, 0]",
     "9:66: actors.parts.spawn.orientation.rpy_deg: must be a list of 3 numbers, got [0, "
     "0]; write for example [1.0, 1.0, 1.0]"),
    ("rpy_deg: [0, 0, 30]", "rpy_deg: [0, 0, 30, 1]",
     "9:66: actors.parts.spawn.orientation.rpy_deg: must be a list of 3 numbers, got [0, "
     "0, 30, 1]; write for example [1.0, 1.0, 1.0]"),
    ("rpy_deg: [0, 0, 30]", "rpy_deg: 30",
     "9:66: actors.parts.spawn.orientation.rpy_deg: must be a list of 3 numbers, got 30; "
     "write for example [1.0, 1.0, 1.0]"),
    ("orientation: {rpy_deg: [0, 0, 30]}", "orientation: {}",
     "9:43: actors.parts.spawn.orientation: must have one of rpy_deg and xyzw; remove or "
     "add one"),
    ("orientation: {rpy_deg: [0, 0, 30]}", "orientation: {xyzw: [1,1,1,1]}",
     "9:63: actors.parts.spawn.orientation.xyzw: must have length 1; divide it by its "
     "length"),
    ("orientation: {rpy_deg: [0, 0, 30]}", "orientation: flat",
     "9:56: actors.parts.spawn.orientation: must be a mapping with rpy_deg, xyzw, got "
     "flat; write for example {rpy_deg: [0.0, 0.0, 0.0]}"),
    ("[[0, 0], [0.5, 1]]", "[[1, 0], [0.5, 1]]",
     "19:16: scene.belts.main.profile: needs at least one (time_s, factor), in the order "
     "of time; sort the points"),
    ("[[0, 0], [0.5, 1]]", "[]",
     "19:16: scene.belts.main.profile: needs at least one (time_s, factor), in the order "
     "of time; sort the points"),
    ("[[0, 0], [0.5, 1]]", "[[0, 0, 1]]",
     "19:17: scene.belts.main.profile.0: must be a list of 2 numbers, got [0, 0, 1]; "
     "write for example [1.0, 1.0]"),
    ("  main:\n", "  Main Belt:\n",
     "14:5: scene.belts.Main Belt: must be a name of a-z, 0-9 and _, got Main Belt; "
     "write for example main_belt"),
    ("resolution: [64, 48]", "resolution: [64, 4]",
     "28:22: cameras.overhead.resolution.1: must be a whole number from 8 to 8192, got "
     "4; write for example 8"),
    ("resolution: [64, 48]", "resolution: [64.5, 48]",
     "28:18: cameras.overhead.resolution.0: must be a whole number from 8 to 8192, got "
     "64.5; write for example 64"),
    ("    K: {fx: 60, fy: 60}\n", "",
     "27:3: cameras.overhead: must have one of K and fov_y_deg; remove or add one"),
    ("fov_y_deg: 50", "fov_y_deg: 180",
     "33:16: cameras.moving.fov_y_deg: must be a number above 1 and below 170, got 180; "
     "write for example 169.0"),
    ("target: [0, 0, 0.4]}", "target: [0, 0, 1.4]}",
     "30:38: cameras.overhead.X_WC.target: is the same point as eye; move one of them"),
    ("X_WC: {eye: [0, 0, 1.4], target: [0, 0, 0.4]}", "X_WC: {eye: [0, 0, 1.4]}",
     "30:5: cameras.overhead.X_WC: must have eye and target, or p and rotation; remove "
     "or add keys"),
    ("time_s: 1, ", "time_s: 0, ",
     "35:7: cameras.moving.path: time_s must increase from waypoint to waypoint; sort "
     "them"),
    ("capture: {fps: 2, frames: 2}", "capture: 2",
     "37:10: capture: must be a mapping with fps, frames, got 2; write for example {fps: "
     "2.0, frames: 1}"),
    ("capture: {fps: 2, frames: 2}", "capture: null",
     "37:10: capture: must be a mapping with fps, frames, got null; write for example "
     "{fps: 2.0, frames: 1}"),
    ("physics: {", "physcs: {",
     "40:1: physcs: unknown key; did you mean physics?"),
    ("elevation_deg: 60", "elevation_deg: 0",
     "39:26: look.light.elevation_deg: must be a number from 1 to 90, got 0; write for "
     "example 1"),
    ("count: 3", "count: 3\n    count: 4",
     "9:5: key 'count' was given in line 8 already; remove one"),
    ("frames: 2}", "frames: .inf}",
     "37:27: .inf is not allowed; write a finite number"),
    ("name: full", "name: Full",
     "3:7: name: must be a name of a-z, 0-9 and _, got Full; write for example full"),
    ("name: full", "name: null",
     "3:7: name: must be a name of a-z, 0-9 and _, got null; write for example my_name"),
    ("summary: Blocks ride a belt under two cameras.", "summary: 5",
     "4:10: summary: must be text, got 5; write for example \"5\""),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "line"), WRONG)
def test_a_wrong_file_is_told_where_what_and_the_way_out(
    old: str, new: str, line: str, tasks: Path
) -> None:
    assert old in FULL
    (tasks / "full.yaml").write_text(FULL.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_task("full.yaml")
    assert str(caught.value) == f"full.yaml:{line}"
    assert ";" in line  # the way out


def at(value: Any, keys: list[str]) -> Any:
    for key in keys:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def listed(value: Any) -> Any:
    """Tuples as lists, so that they can be edited."""
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    return [listed(item) for item in value] if isinstance(value, tuple) else value


def tupled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: tupled(item) for key, item in value.items()}
    return tuple(tupled(item) for item in value) if isinstance(value, list) else value


def advised(text: str, line: str) -> str:
    """The file after doing what the line says."""
    value = listed(yaml.parse(text, name="f").value)
    found = LINE.match(line)
    assert found is not None
    *above, key = found[1].split(".")
    parent: Any = at(value, above)
    if name := re.search(r"did you mean (\S+)\?$", line):
        parent[name[1]] = parent.pop(key)
    elif entry := re.search(r"add it, for example `(.*)`$", line):
        parent.update(listed(yaml.parse(entry[1], name="f").value))
    elif example := re.search(r"write for example (.*)$", line):
        new = listed(yaml.parse(f"x: {example[1]}", name="f").value["x"])
        if isinstance(parent, dict) and "names" not in line and "must be a name" in line:
            parent[new] = parent.pop(key) if key not in ("name", "class") else new
            if key in ("name", "class"):
                parent[key] = parent.pop(new)
        else:
            parent[int(key) if isinstance(parent, list) else key] = new
    return yaml.write(tupled(value))


def problems_of(text: str, near: Path) -> str:
    """What is said about a task; nothing if it loads."""
    try:
        task_from_text(text, near=near)
    except InputError as error:
        return str(error)
    return ""


ADVISING = [
    row
    for row in WRONG
    if re.search(r"did you mean|for example", row[2]) and "Main Belt" not in row[2]
]


@pytest.mark.parametrize(("old", "new", "line"), ADVISING)
def test_following_the_advice_solves_the_problem(
    old: str, new: str, line: str, shared_tasks: Path
) -> None:
    text = advised(FULL.replace(old, new, 1), f"full.yaml:{line}")
    said = problems_of(text, shared_tasks)
    # Only a name that is free to choose can still be unknown.
    assert not said or re.search(r"no object (my_name|x_5|block_2)", said), said


def test_all_problems_of_a_file_are_told_at_once(tasks: Path) -> None:
    text = (
        FULL.replace("count: 3", "count: -3").replace("fps: 2", "fps: 0").replace("rate_hz", "rate")
    )
    (tasks / "full.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_task("full.yaml")
    starts = [" ".join(line.split(" ")[:2]) for line in str(caught.value).splitlines()]
    assert starts == [
        "full.yaml:8:12: actors.parts.count:",
        "full.yaml:37:16: capture.fps:",
        "full.yaml:40:11: physics.rate:",
    ]


def test_suggestions() -> None:
    assert suggest("overhed", ["overhead", "side"]) == "did you mean overhead?"
    assert suggest("speed", ["length_m", "speed_m_s"]) == "did you mean speed_m_s?"
    assert suggest("qqq", ["a", "b"]) == "there is a, b"
    assert suggest("qqq", []) == "there is none"
    assert suggest("qqq", [f"n{i}" for i in range(99)]).endswith("n23 and 75 more")


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value below ``value``."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    )
    below = [(*above, key) for key in keys]
    return below + [path for key in keys for path in places(value[key], (*above, key))]


ODD = st.sampled_from(
    [None, True, -1, 0, 1, 1e9, 0.5, "", "text", "1,5", "block", [], [1, 2], [[1], "x"], {},
     {"a": 1}, [1, 2, 3], "all", "uniform", {"xyzw": [0, 0, 0, 0]}, {"shape": "box"}, 2**62, -1e308]
)  # fmt: skip


@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_any_edit_of_a_file_loads_or_is_told_where(data: st.DataObject, shared_tasks: Path) -> None:
    value = listed(yaml.parse(FULL, name="f").value)
    for _ in range(data.draw(st.integers(1, 3))):
        *above, key = data.draw(st.sampled_from(places(value)))
        parent = at(value, above)
        action = data.draw(st.sampled_from(["delete", "rename", "swap"]))
        if action == "swap" or (action == "rename" and isinstance(parent, list)):
            parent[key] = copy.deepcopy(data.draw(ODD))
        else:
            old = parent.pop(key)
            if action == "rename":
                parent[data.draw(st.sampled_from([f"{key}s", str(key)[1:], "x y", "", "p"]))] = old
    text = yaml.write(tupled(value))
    said = problems_of(text, shared_tasks)
    for line in said.splitlines():
        assert LINE.match(line), line
        assert "Input should" not in line  # pydantic's words
    if not said:
        task = task_from_text(text, near=shared_tasks)
        assert task_from_text(task.text, near=shared_tasks).spec == task.spec
