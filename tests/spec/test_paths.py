"""The same task with other values at dotted paths."""

from pathlib import Path

import numpy as np
import pytest

from simenv.errors import InputError
from simenv.spec.load import Task, load_task, task_from_text, vary

VALUES: dict[str, object] = {
    "actors.parts.count": 2,
    "actors.parts.objects": "disc",
    "scene.belts.main.speed_m_s": 0.2,
    "scene.belts.main.texture": None,
    "scene.bins.tote.center": (1.0, 2.0),
    "scene.bins.tote.yaw_deg": 3.0,
    "scene.tables.bench.color": (0.5, 1.0, 1.0),
    "scene.zones.infeed.yaw_deg": 10.0,
    "cameras.overhead.X_WC.eye": (0.1, 0.0, 2.0),
    "cameras.overhead.K.fx": 61.0,
    "cameras.moving.path.1.time_s": 2.0,
    "look.light.elevation_deg": 33.0,
    "look.light.azimuth_deg": 3.0,
    "look.backdrop.color": (0.0, 0.0, 0.0),
    "physics.residual_threshold": 1e-4,
}


@pytest.fixture(scope="module")
def task(shared_tasks: Path) -> Task:
    return load_task(shared_tasks / "full.yaml")


def test_every_value_arrives_at_its_path_and_nothing_else_changes(task: Task) -> None:
    spec = vary(task, VALUES)
    assert spec.actors["parts"].count == 2
    assert spec.actors["parts"].objects == "disc"
    assert spec.scene.belts["main"].texture is None
    assert spec.scene.bins["tote"].center == (1.0, 2.0)
    assert spec.cameras["moving"].path[1].time_s == 2.0
    assert spec.cameras["overhead"].X_WC is not None
    assert spec.cameras["overhead"].X_WC.eye == (0.1, 0.0, 2.0)
    assert spec.scene.zones["infeed"].center == task.spec.scene.zones["infeed"].center
    assert spec.domain == task.spec.domain


def test_a_varied_task_equals_the_file_with_these_values(task: Task, shared_tasks: Path) -> None:
    """The fast way, model by model, against reading the whole text again."""
    text = (shared_tasks / "full.yaml").read_text()
    text = text.replace("speed_m_s: 0.15", "speed_m_s: 0.25").replace("fx: 60", "fx: 70")
    values = {"scene.belts.main.speed_m_s": 0.25, "cameras.overhead.K.fx": 70.0}
    assert vary(task, values) == task_from_text(text, near=shared_tasks).spec


def test_the_task_itself_stays(task: Task) -> None:
    before = task.spec.model_dump()
    vary(task, VALUES)
    assert task.spec.model_dump() == before
    assert vary(task, {}) == task.spec


def test_numpy_values_and_lists_are_taken(task: Task) -> None:
    values = {
        "actors.parts.count": np.int64(4),
        "scene.belts.main.speed_m_s": np.float64(0.1),
        "look.backdrop.color": np.array([0.1, 0.2, 0.3]),
        "cameras.overhead.X_WC.eye": [0, 0, 2],
        "actors.parts.spawn.orientation": {"xyzw": [0.0, 0.0, 0.0, 1.0]},
    }
    spec = vary(task, values)
    assert spec.actors["parts"].count == 4
    assert spec.look.backdrop.color == (0.1, 0.2, 0.3)
    assert spec.actors["parts"].spawn.orientation.xyzw == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"scene.belts.main.speed_m_s": 9.0}, "scene.belts.main.speed_m_s: must be a number from "
         "-5 to 5, got 9.0; write for example 5"),
        ({"actors.parts.count": 1.5}, "actors.parts.count: must be a whole number from 0 to 500, "
         "got 1.5; write for example 2"),
        ({"look.backdrop.color": (0.0, float("nan"), 0.0)}, "look.backdrop.color.1: must be a "
         "number from 0 to 1, got NaN; write for example 1.0"),
        ({"actors.parts.spawn.zone": "moon"}, "actors.parts.spawn.zone: no zone moon; there is "
         "infeed"),
        ({"scene.belts.min.speed_m_s": 0.1}, "scene.belts.min: no such path; did you mean main?"),
        ({"scene.belts.main.sped_m_s": 0.1}, "scene.belts.main.sped_m_s: no such path; did you "
         "mean speed_m_s?"),
        ({"name": "x"}, "name: no such path; there is actors, scene, cameras, capture, look, "
         "physics, success, env, domain, edge_cases, timeline, audit"),
        ({"cameras.moving.path.7.time_s": 1.0}, "cameras.moving.path.7: no such path; there is 0, "
         "1"),
        ({"capture.fps.x": 1.0}, "capture.fps.x: no such path; there is none"),
        ({"look.light.elevation_deg": 30.0, "look.light": {}}, "look.light: a path below it is "
         "replaced, too; drop one"),
        ({"look.light": {}, "look.light.elevation_deg": 30.0}, "look.light.elevation_deg: a path "
         "above it is replaced, too; drop one"),
        ({"cameras.overhead.X_WC.target": (0.0, 0.0, 1.4)}, "cameras.overhead.X_WC.target: is the "
         "same point as eye; move one of them"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_path(
    task: Task, values: dict[str, object], line: str
) -> None:
    with pytest.raises(InputError) as caught:
        vary(task, values)
    assert str(caught.value) == f"{task.path}: {line}"
