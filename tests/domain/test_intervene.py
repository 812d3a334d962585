"""One axis moved: another value of its own range, and everything else as it was."""

from pathlib import Path

import pytest

from simenv.domain.intervene import moved, with_axis
from simenv.domain.sample import Sample, sample
from simenv.spec.load import Task, load_task

COUNT = "actors.goods.count"


@pytest.fixture(scope="module")
def task() -> Task:
    """Axes of scene and parts, edges, choices of what a part has."""
    return load_task("table_clutter")


def others(drawn: Sample, path: str) -> dict[str, object]:
    """All values but those at ``path``."""
    return {k: v for k, v in {**drawn.values, **drawn.part_values}.items() if k != path}


def test_each_axis_moves_alone(task: Task) -> None:
    drawn = sample(task, 0, 3)
    for path in task.spec.domain:
        if path == COUNT:
            continue
        for other in moved(task, 0, drawn, path):
            assert others(other, path) == others(drawn, path)
            assert (other.scene, other.attempt, other.tier) == (3, 0, "core")
            own = {**other.values, **other.part_values}[path]
            assert own != {**drawn.values, **drawn.part_values}[path]


def test_every_part_gets_another_value_that_it_can_have(task: Task) -> None:
    drawn = sample(task, 0, 3)
    path, objects = "actors.goods.texture", drawn.part_values["actors.goods.objects"]
    other = next(moved(task, 0, drawn, path))
    for name, old, new in zip(
        objects, drawn.part_values[path], other.part_values[path], strict=True
    ):
        known = list(task.objects[str(name)].spec.textures)
        assert new in known or (not known and new is None)
        assert len(known) < 2 or new != old


def test_edges_give_their_own_values(task: Task) -> None:
    drawn = sample(task, 0, 3)
    low_sun = list(moved(task, 0, drawn, "look.light.elevation_deg", "low_sun"))
    assert low_sun
    assert all(5 <= float(str(o.values["look.light.elevation_deg"])) <= 15 for o in low_sun)
    toppled = next(moved(task, 0, drawn, "actors.goods.spawn.orientation", "toppled"))
    assert all("xyzw" in str(v) for v in toppled.part_values["actors.goods.spawn.orientation"])


def test_the_farthest_value_comes_first(task: Task) -> None:
    drawn, path = sample(task, 0, 3), "look.light.elevation_deg"
    own = float(str(drawn.values[path]))
    distances = [abs(float(str(o.values[path])) - own) for o in moved(task, 0, drawn, path)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 15  # of a range of 60


def test_every_option_of_a_choice_comes_however_rare(task: Task) -> None:
    drawn, path = sample(task, 0, 3), "scene.tables.bench.texture"
    came = {o.values[path] for o in moved(task, 0, drawn, path)}
    assert came == {"wood", "plastic", "steel"} - {drawn.values[path]}


@pytest.mark.parametrize("count", [1, 40])
def test_parts_of_another_number_are_like_the_first(task: Task, count: int) -> None:
    drawn = sample(task, 0, 3)
    other = with_axis(drawn, COUNT, count)
    assert other.values[COUNT] == count
    for path, row in drawn.part_values.items():
        assert len(other.part_values[path]) == count
        assert all(v == row[k % len(row)] for k, v in enumerate(other.part_values[path]))


def test_without_a_part_there_is_none_to_be_like() -> None:
    path = Path(__file__).parents[1] / "data/project/tasks/mini.yaml"
    task = load_task(path)
    drawn = with_axis(sample(task, 0, 0), "actors.parts.count", 0)
    assert not list(moved(task, 0, drawn, "actors.parts.count"))
    assert not list(moved(task, 0, drawn, "actors.parts.objects"))
