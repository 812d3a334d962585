"""Edge cases: what they promise is in the written labels, as another judge reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

import simenv
from simenv.dataset.layout import Layout
from simenv.dataset.read import Dataset
from simenv.dataset.rows import content_hash
from simenv.dataset.schema import Header
from simenv.domain.sample import sample
from simenv.errors import InputError
from simenv.generate import Plan, generate
from simenv.spec.load import Task, task_from_text
from simenv.studio import Studio
from simenv.verify import verify

PROJECT = Path(__file__).parent / "data/project"
TEXT = (PROJECT / "tasks/mini.yaml").read_text()
CASES = """
edge_cases:
  covered:
    build: stack
    objects: drum
    cover: brick
    guarantee: {visible_fraction: {min: 0.01, max: 0.4}}
  twins: {build: twins, objects: brick, guarantee: {touching_same_object: true, parts: {min: 2}}}
  over: {build: overhang, objects: brick, guarantee: {overhang_m: {min: 0.005}}}
  standing: {build: standing, objects: brick, guarantee: {tilt_deg: {min: 80, max: 100}}}
  flipped: {build: upside_down, objects: brick, guarantee: {tilt_deg: {min: 175}}}
  cut:
    build: border
    camera: overhead
    set: {scene.belts.main.speed_m_s: {choice: [0.0]}} # it stays where it is put
    guarantee: {truncation: {min: 0.1, max: 0.9}}
  many: {set: {actors.parts.count: {integers: [6, 7]}}, guarantee: {parts: {min: 6}}}
  dark:
    set:
      look.light.intensity: {uniform: [0.02, 0.1]}
      look.ambient.intensity: {uniform: [0.02, 0.1]}
      look.backdrop.color: {choice: [[0.1, 0.1, 0.1]]}
    guarantee: {brightness: {max: 0.35}}
  stop:
    set:
      scene.belts.main.profile_from: {choice: [capture]}
      scene.belts.main.profile: {choice: [[[0.05, 1.0], [0.1, 0.0]]]}
    guarantee: {speed_m_s: {max: 0.01}, speed_change_m_s: {min: 0.03}}
"""
SCENES = 2


def task_with(cases: str = CASES, head: str = TEXT) -> Task:
    """The small task of the tests with edge cases."""
    return task_from_text(head + cases, near=PROJECT / "tasks")


@pytest.fixture(scope="module")
def task() -> Task:
    """The small task with one case of each kind."""
    return task_with()


class Frame:
    """One frame of a dataset as its columns say it."""

    def __init__(self, dataset: Dataset, frame: int) -> None:
        bodies = dataset.table("bodies")
        rows = (bodies["frame"] == frame) & (bodies["group"] == "parts")
        self.dataset, self.rows = dataset, np.flatnonzero(rows)
        self.X_WB, self.object = bodies["X_WB"][rows], bodies["object"][rows]
        self.speed = np.linalg.norm(bodies["velocity"][rows, :3], axis=1)
        self.names = [str(dataset.table("objects")["key"][k]) for k in self.object]

    def seen(self, camera: str, column: str) -> NDArray[np.float64]:
        """A column of what a camera sees of the parts."""
        table = self.dataset.table(f"cameras/{camera}/seen")
        return np.asarray(table[column][np.isin(table["body"], self.rows)])

    def points(self, part: int) -> NDArray[np.float64]:
        """Points (N, 3) all over the surface of a part, world, a few millimetres apart."""
        surface = self.dataset.objects[self.names[part]]
        corners = surface.vertices[surface.faces]
        u = np.stack(np.meshgrid(*[np.linspace(0, 1, 41)] * 2), axis=-1).reshape(-1, 2)
        u = u[u.sum(axis=1) <= 1]
        weights = np.column_stack([1 - u.sum(axis=1), u])
        p_B = np.einsum("ni,tij->tnj", weights, corners).reshape(-1, 3)
        return np.asarray(p_B @ self.X_WB[part, :3, :3].T + self.X_WB[part, :3, 3])


def tilt(frame: Frame) -> NDArray[np.float64]:
    """Degrees between each part's z axis and up."""
    return np.asarray(np.degrees(np.arccos(np.clip(frame.X_WB[:, 2, 2], -1, 1))))


def touching(frame: Frame) -> bool:
    """Whether two bricks come within 2.5 mm: sampled surfaces, half a step from the truth."""
    trees = [cKDTree(frame.points(k)) for k, name in enumerate(frame.names) if name == "brick"]
    return any(
        a.sparse_distance_matrix(b, 0.0025).nnz for i, a in enumerate(trees) for b in trees[:i]
    )


def covered(frame: Frame) -> bool:
    """Whether a camera sees under 0.4 of a part that it sees."""
    fractions = [
        frame.seen(c, "px_visible") / np.maximum(frame.seen(c, "px_all"), 1)
        for c in ("overhead", "side")
    ]
    return any(((own > 0) & (own <= 0.4)).any() for own in fractions)


def cut(frame: Frame) -> bool:
    """Whether the silhouette of a part that is seen reaches out of the picture."""
    for camera in ("overhead", "side"):
        x, y, width, height = frame.seen(camera, "box_all").T
        out = (x < 0) | (y < 0) | (x + width > 80) | (y + height > 60)
        if (out & (frame.seen(camera, "px_visible") > 0)).any():
            return True
    return False


def over(frame: Frame) -> bool:
    """Whether a part reaches over the belt's long edge, 0.25 m from its middle, and lies there."""
    reach = [np.abs(frame.points(k)[:, 1]).max() for k in range(len(frame.names))]
    return bool(max(reach) > 0.255 and frame.X_WB[int(np.argmax(reach)), 2, 3] > 0.4)


def dark(frame: Frame) -> bool:
    """Whether a picture is dark."""
    return any(item.rgb.mean() < 0.4 * 255 for item in frame.dataset if item.camera == "overhead")


JUDGES: dict[str, Callable[[Frame], bool]] = {
    "covered": covered,
    "twins": touching,
    "over": over,
    "standing": lambda frame: bool((np.abs(tilt(frame) - 90) < 10).any()),
    "flipped": lambda frame: bool((tilt(frame) > 175).any()),
    "cut": cut,
    "many": lambda frame: len(frame.names) in (6, 7),
    "dark": dark,
    "stop": lambda frame: bool((frame.speed < 0.01).any()),
}


@pytest.mark.parametrize("case", JUDGES)
def test_every_accepted_scene_shows_what_its_edge_case_promises(
    case: str, task: Task, tmp_path: Path
) -> None:
    summary = generate(
        task, tmp_path / "out", scenes=SCENES, jobs=0, renderer="tiny", tier=case, seed=5
    )
    assert summary.accepted == SCENES
    assert summary.tiers[case].rate >= 0.5
    with simenv.open(tmp_path / "out") as dataset:
        assert set(dataset.table("scenes")["tier"]) == {case}
        scene_of = dataset.table("frames")["scene"]
        for scene in range(SCENES):
            frames = [Frame(dataset, int(k)) for k in np.flatnonzero(scene_of == scene)]
            assert any(map(JUDGES[case], frames))


def test_verify_makes_the_scenes_of_an_edge_again(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMENV_PATH", str(PROJECT))
    summary = generate(task, tmp_path / "out", scenes=1, jobs=0, renderer="tiny", tier="flipped")
    assert "edge     accepted  attempts  hit rate\nflipped         1" in summary.text
    assert len(list(verify(tmp_path / "out", scenes=1))) == 1


def header(task: Task) -> Header:
    """Of a run with the tiny renderer."""
    return Plan.of(task, scenes=1, renderer="tiny").header(task)


def test_core_scenes_do_not_know_that_there_are_edge_cases(task: Task) -> None:
    found = []
    for own in (task, task_with("")):
        with Studio(own, renderer="tiny", seed=3) as studio:
            found.append(content_hash(studio.record(4), Layout.of(header(own))))
    assert found[0] == found[1]


def test_a_guarantee_that_cannot_be_met_rejects_every_attempt() -> None:
    text = "edge_cases: {never: {guarantee: {tilt_deg: {min: 181}}}}"
    with Studio(task_with(text), renderer="tiny", tier="never") as studio:
        record = studio.record(0)
    assert (record.outcome, len(record.time_s)) == ("rejected", 0)
    assert "guarantee" in {attempt.reason for attempt in record.attempts}


def test_the_edge_tier_draws_among_edges_of_axes_and_edge_cases(task: Task) -> None:
    drawn = {sample(task, 0, k, tier="edge").tier for k in range(200)}
    assert drawn == {*task.spec.edge_cases, "actors.parts.count/crowd"}


@pytest.mark.parametrize("name", ["crowd", "actors.parts.count/crowd"])
def test_an_edge_of_an_axis_can_be_named_in_short_and_in_full(task: Task, name: str) -> None:
    assert Plan.of(task, scenes=1, renderer="tiny", tier=name).tier == "actors.parts.count/crowd"


def test_an_unknown_edge_gets_a_suggestion(task: Task) -> None:
    with pytest.raises(InputError, match=r"tier 'twin' is unknown; did you mean twins\?"):
        Plan.of(task, scenes=1, renderer="tiny", tier="twin")


def test_a_built_part_has_the_value_that_was_built_not_the_one_that_was_drawn(task: Task) -> None:
    with Studio(task, renderer="tiny", tier="twins") as studio:
        scene = studio._compose(0, 0)
    for part, body in enumerate(scene.parts):
        assert scene.part_values["actors.parts.objects"][part] == body.object
    assert scene.part_values["actors.parts.spawn.orientation"].count(None) == min(2, part + 1)


WRONG = {
    "{build: twins}": "guarantee: is missing",
    "{build: twins, guarantee: {}}": "is empty; say what the labels show",
    "{build: twins, cover: drum, guarantee: {parts: {min: 2}}}": "means nothing to twins",
    "{objects: drum, guarantee: {parts: {min: 2}}}": "means nothing to a case without build",
    "{build: wrong_item, guarantee: {parts: {min: 2}}}": "wrong_item needs objects",
    "{build: wrong_item, objects: drum, guarantee: {parts: {min: 2}}}": "drum belongs to parts",
    "{build: twins, group: part, guarantee: {parts: {min: 2}}}": "did you mean parts?",
    "{build: border, camera: sid, guarantee: {parts: {min: 2}}}": "did you mean side?",
    "{build: twins, objects: bric, guarantee: {parts: {min: 2}}}": "did you mean brick?",
    "{guarantee: {objects: bric}}": "no part can be bric; did you mean brick?",
    "{guarantee: {parts: {min: 3, max: 2}}}": "min: 3 is above max 2; swap them",
    "{guarantee: {parts: {min: 3}, frames: 9}}": "9 of 2 frames cannot be",
    "{set: {look.light: {choice: [1]}}, guarantee: {parts: {min: 3}}}": "overlaps look",
    "{set: {look.ligt: {choice: [1]}}, guarantee: {parts: {min: 3}}}": "did you mean look",
    "{set: {actors.parts.count: {uniform: [1, 2]}}, guarantee: {parts: {min: 3}}}": "use integers",
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_are_one_line_with_a_way_out(case: str) -> None:
    with pytest.raises(InputError) as caught:
        task_with(f"edge_cases: {{mine: {case}}}")
    assert WRONG[case] in str(caught.value)
    assert "edge_cases.mine" in str(caught.value)


@pytest.mark.parametrize("name", ["core", "crowd"])
def test_a_name_means_one_thing(name: str) -> None:
    with pytest.raises(InputError, match=r"choose another name|has an edge of that name"):
        task_with(f"edge_cases: {{{name}: {{guarantee: {{parts: {{min: 2}}}}}}}}")
