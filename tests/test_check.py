"""Each fault that is put into a domain is found and named; domains without one pass."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simenv.check import Finding, check_task
from simenv.check.compare import Difference
from simenv.cli import run
from simenv.domain.sample import sample
from simenv.errors import InputError
from simenv.spec.domain import AxisSpec
from simenv.spec.load import Task, load_task, with_values

MINI = Path(__file__).parent / "data/project/tasks/mini.yaml"
SPEED = "scene.belts.main.speed_m_s"
AZIMUTH = "look.light.azimuth_deg"
FAR_TABLE = {"size_m": (0.2, 0.2), "top_z_m": 0.2, "center": (40.0, 0.0)}


def small(**values: object) -> Task:
    """Two parts on a belt, one frame, with other values of paths that have ``__`` for a dot."""
    own = {key.replace("__", "."): value for key, value in values.items()}
    return with_values(load_task(MINI), {"capture.frames": 1, "actors.parts.count": 2, **own})


def domain(path: str, kind: str, **draws: object) -> dict[str, Any]:
    """A table of one row."""
    return {path: {"kind": kind, **draws}}


def found(task: Task, scenes: int = 1) -> list[Finding]:
    return list(check_task(task, scenes=scenes, renderer="tiny"))


def fault(task: Task, path: str, edge: str = "") -> Finding:
    """What was found of one axis."""
    return next(f for f in found(task) if (f.axis, f.edge) == (path, edge))


def test_a_sound_domain_passes_and_every_range_has_its_line() -> None:
    task = load_task(MINI)
    findings = found(task)
    assert {f.verdict for f in findings} == {"ok"}, "\n".join(str(f.line) for f in findings)
    rows = [(p, e) for p, axis in task.spec.domain.items() for e in ("", *axis.edge)]
    assert [(f.axis, f.edge) for f in findings] == [("", ""), *rows]


def test_what_touches_nothing_and_nobody_sees_is_dead() -> None:
    path = "scene.floor.friction.lateral"  # of a floor under a belt that no part leaves
    task = small(domain=domain(path, "semantic", uniform=(0.1, 0.9)))
    got = fault(task, path)
    assert (got.verdict, got.fault, got.tries) == ("FAIL", "dead", 3 + 8)
    assert "changes nothing; tried scene 0: 0." in got.text
    assert got.text.endswith("; nor in scenes 1 to 8")


def test_the_look_of_what_no_camera_sees_is_dead() -> None:
    path = "scene.tables.far.texture"
    draws = domain(path, "visual", choice=("wood", "steel"))
    got = fault(small(scene__tables={"far": FAR_TABLE}, domain=draws), path)
    assert (got.verdict, got.fault) == ("FAIL", "dead")
    assert "changes no pixel; tried scene 0: " in got.text


def test_an_axis_of_one_value_is_dead() -> None:
    path = "scene.belts.main.texture"
    got = fault(small(domain=domain(path, "visual", choice=("steel",))), path)
    assert str(got.line).startswith(f"FAIL  {path}: dead: it has one value only: steel; nor in ")


def test_what_the_first_scene_does_not_show_is_looked_for_further() -> None:
    """A texture of parts, in a first scene without a part."""
    count, path = "actors.parts.count", "actors.parts.texture"
    rows = domain(count, "semantic", integers=(0, 1))
    task = small(domain=rows | domain(path, "visual", choice=("wood", "steel")))
    seed = next(s for s in range(64) if not sample(task, s, 0).values[count])
    redraw, _, texture = check_task(task, scenes=1, seed=seed, renderer="tiny")
    assert (redraw.verdict, redraw.fault) == ("note", "unchanged")
    shows = next(i for i in range(1, 9) if sample(task, seed, i).values[count])
    assert texture.verdict == "ok"
    assert texture.text.endswith(f", first in scene {shows}")


def as_visual(task: Task, path: str) -> Task:
    """The axis declared visual, past the check that refuses it in a file."""
    row = task.spec.domain[path].model_dump() | {"kind": "visual"}
    rows = {**task.spec.domain, path: AxisSpec.model_validate(row)}
    return replace(task, spec=task.spec.model_copy(update={"domain": rows}))


def test_a_visual_axis_that_moves_labels_is_named_alone_and_in_the_redraw() -> None:
    task = load_task(MINI)
    rows = {path: task.spec.domain[path].model_dump() for path in (SPEED, AZIMUTH)}
    faulty = as_visual(small(domain=with_kinds(rows)), SPEED)
    redraw, speed, azimuth = found(faulty)
    assert redraw.fault == speed.fault == "moves labels"
    assert "bodies/X_WB" in redraw.labels
    assert f"because of: {SPEED} (" in redraw.text
    assert AZIMUTH not in redraw.text
    assert "declare it semantic" in speed.text
    assert azimuth.verdict == "ok"


def with_kinds(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Rows as a file would have them: without what was not given."""
    return {
        path: {key: value for key, value in row.items() if value not in (None, {})}
        for path, row in rows.items()
    }


def test_a_semantic_axis_that_only_changes_pixels_is_noted() -> None:
    got = fault(small(domain=domain(AZIMUTH, "semantic", uniform=(0, 360))), AZIMUTH)
    assert (got.verdict, got.fault) == ("note", "only visual")


def test_a_change_that_nobody_would_see_is_weak() -> None:
    path = "scene.gravity_m_s2"
    got = fault(small(domain=domain(path, "semantic", uniform=(9.81, 9.81000001))), path)
    assert (got.verdict, got.fault) == ("note", "weak")
    assert got.labels


@pytest.mark.parametrize(
    ("size", "shows"),
    [
        ({"masks": {"a": 2e-4}}, True),
        ({"depth_m": 2e-4}, True),
        ({"moved_m": 2e-4}, True),
        ({}, False),
    ],
)
def test_any_of_mask_depth_and_pose_makes_a_change_seen(size: dict[str, Any], shows: bool) -> None:
    parts: dict[str, Any] = {"masks": {"a": 9e-5}, "depth_m": 9e-5, "moved_m": 9e-5}
    assert Difference(columns=(), pixels={}, **{**parts, **size}).shows is shows


def test_what_a_renderer_does_not_draw_is_not_called_dead() -> None:
    path = "scene.belts.main.roughness"
    got = fault(small(domain=domain(path, "visual", uniform=(0.1, 0.9))), path)
    assert (got.verdict, got.fault) == ("note", "not shown")
    assert "use --renderer raster" in got.text


def test_a_range_of_which_all_is_rejected_says_why() -> None:
    path = "actors.parts.count"
    edge = {"crush": {"integers": (80, 81)}}
    task = small(
        actors__parts__spawn__stack_m=0.0,
        domain=domain(path, "semantic", integers=(1, 3), edge=edge),
    )
    got = fault(task, path, "crush")
    assert (got.verdict, got.fault) == ("note", "untried")
    assert got.text.endswith("overlap_spawn")


def test_a_group_without_parts_is_not_called_dead() -> None:
    path = "actors.parts.texture"
    axis = domain(path, "visual", choice=("wood", "steel"), each="actor")
    got = fault(small(actors__parts__count=0, domain=axis), path)
    assert got.text == "actors.parts has no part in the scenes tried"


def test_scenes_that_are_all_rejected_leave_every_axis_untried() -> None:
    task = small(physics__settle__limit_s=0.01, physics__max_attempts=1)
    findings = found(task)
    assert {f.fault for f in findings} == {"untried"}
    assert findings[0].text == "scene 0: rejected (unsettled)"


def test_no_scenes_compare_nothing() -> None:
    with pytest.raises(InputError, match="ask for 1 or more"):
        found(load_task(MINI), scenes=0)


def test_progress_ends_where_it_says() -> None:
    steps: list[tuple[int, int]] = []
    task = small(domain=domain(AZIMUTH, "visual", uniform=(0, 360)))
    list(check_task(task, scenes=1, renderer="tiny", progress=lambda *step: steps.append(step)))
    assert steps == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("name", ["table_clutter", "table_stack"])
def test_shipped_tasks_have_no_dead_axis(name: str) -> None:
    findings = found(shrunk(load_task(name)))
    assert "FAIL" not in {f.verdict for f in findings}, "\n".join(str(f.line) for f in findings)


def shrunk(task: Task) -> Task:
    """80x60 pixels from every camera, of the same field of view."""
    values: dict[str, object] = {}
    for name, camera in task.spec.cameras.items():
        values[f"cameras.{name}.resolution"] = (80, 60)
        if (K := camera.K) is not None:
            scale = 80 / camera.resolution[0]
            values[f"cameras.{name}.K"] = {"fx": K.fx * scale, "fy": K.fy * scale}
    return with_values(task, values)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A task file with one dead axis."""
    monkeypatch.setenv("SIMENV_PATH", str(MINI.parents[1]))
    head, _ = MINI.read_text().split("domain:\n")
    path = tmp_path / "mini.yaml"
    row = "scene.floor.friction.lateral: {kind: semantic, uniform: [0.1, 0.9]}"
    path.write_text(f"{head}domain:\n  {row}\n")
    return path


def test_the_command_fails_on_a_dead_axis_and_writes_json(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "check.json"
    words = ["check", str(own), "--scenes", "1", "--renderer", "tiny", "--json", str(out)]
    assert run(words) == 1
    said = capsys.readouterr()
    assert "FAIL  scene.floor.friction.lateral: dead: " in said.out
    assert "simenv: " in said.err
    assert "1 findings; see the lines marked FAIL" in said.err
    written = json.loads(out.read_text())
    assert written["format"] == "simenv-check-1"
    assert [f["verdict"] for f in written["findings"]] == ["note", "FAIL"]


def test_the_table_alone_needs_no_physics(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr("simenv.check.bench.Bench.__init__")
    assert run(["check", str(own), "--table"]) == 0
    assert capsys.readouterr().out.startswith("axis ")
