"""The values of scene i: even, reproducible in any order, and independent of one another."""

import itertools
import json
import os
import random
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from simenv.domain.sample import Sample, sample
from simenv.domain.stream import point, stream
from simenv.errors import InputError
from simenv.spec.check import check
from simenv.spec.load import Task
from simenv.spec.object import ObjectModel, ObjectSpec
from simenv.spec.task import TaskSpec

COUNT = "actors.parts.count"
OBJECTS = "actors.parts.objects"
TEXTURE = "actors.parts.texture"
ROTATION = "actors.parts.spawn.orientation"
SPEED = "scene.belts.main.speed_m_s"
LIGHT = "look.light.elevation_deg"

TEXTURES = {"bolt": ("zinc", "brass"), "can": ("red", "blue", "zinc"), "ball": ()}
DOMAIN: dict[str, dict[str, Any]] = {
    COUNT: {"kind": "semantic", "integers": (1, 12), "edge": {"full": {"integers": (13, 25)}}},
    OBJECTS: {"kind": "semantic", "choice": "all", "each": "actor"},
    TEXTURE: {"kind": "visual", "choice": "all", "each": "actor"},
    ROTATION: {"kind": "semantic", "so3": "uniform", "each": "actor"},
    SPEED: {
        "kind": "semantic",
        "uniform": (0.05, 0.3),
        "edge": {"fast": {"uniform": (0.3, 0.6)}, "stopped": {"choice": (0.0,)}},
    },
    LIGHT: {"kind": "visual", "uniform": (25, 85), "edge": {"glare": {"uniform": (5, 15)}}},
}
WIDTH = {"scene.belts.main.width_m": {"kind": "semantic", "uniform": (0.4, 0.6)}}


def model(name: str) -> ObjectModel:
    """A small box with the textures of ``name``."""
    box = ({"shape": "box", "size_m": (0.03, 0.02, 0.01)},)
    keys = {"name": name, "class": name, "mesh": box, "collision": box, "mass_kg": 0.1}
    textures = {variant: f"{variant}.png" for variant in TEXTURES[name]}
    return ObjectModel(ObjectSpec.model_validate({**keys, "textures": textures}))


def make_task(domain: dict[str, Any]) -> Task:
    """A belt with parts of three objects, varied as ``domain`` says."""
    zone = {"center": (0.0, 0.0, 0.0), "size_m": (0.4, 0.4)}
    pose = {"eye": (0.0, 0.0, 1.4), "target": (0.0, 0.0, 0.4)}
    spec = TaskSpec.model_validate(
        {
            "format": "simenv-task-1",
            "name": "belt",
            "actors": {"parts": {"objects": tuple(TEXTURES), "count": 4, "spawn": {"zone": "in"}}},
            "scene": {
                "belts": {"main": {"length_m": 1, "width_m": 0.5, "top_z_m": 0, "speed_m_s": 0.1}},
                "zones": {"in": zone, **{f"z{i}": zone for i in range(22)}},
            },
            "cameras": {"top": {"resolution": (64, 48), "fov_y_deg": 45, "X_WC": pose}},
            "domain": domain,
        }
    )
    task = Task(spec, {name: model(name) for name in TEXTURES})
    assert not check(spec, task.objects)
    return task


def everything(got: Sample) -> str:
    """All of a sample, as JSON."""
    return json.dumps([got.scene, got.attempt, got.tier, dict(got.values), dict(got.part_values)])


TASK = make_task(DOMAIN)


def test_a_sample_is_made_of_plain_values_in_the_order_of_the_table() -> None:
    got = sample(TASK, 0, 5)
    assert (got.scene, got.attempt, got.tier) == (5, 0, "core")
    assert list(got.values) == [COUNT, SPEED, LIGHT]
    assert list(got.part_values) == [OBJECTS, TEXTURE, ROTATION]
    assert {len(row) for row in got.part_values.values()} == {got.values[COUNT]}
    back = json.loads(json.dumps(got.values))
    assert {path: type(value) for path, value in back.items()} == {
        COUNT: int,
        SPEED: float,
        LIGHT: float,
    }


def test_scenes_are_the_same_in_any_order() -> None:
    scenes = [0, 1, 2, 255, 256, 257, 700, 100_000]
    inorder = {scene: everything(sample(TASK, 3, scene, tier="all")) for scene in scenes}
    for shuffle in range(3):
        random.Random(shuffle).shuffle(scenes)
        for scene in scenes:
            assert everything(sample(TASK, 3, scene, tier="all")) == inorder[scene]


def test_a_fresh_process_draws_the_same() -> None:
    here = [everything(sample(TASK, 3, scene, tier="all")) for scene in range(5)]
    code = (
        f"import runpy; m = runpy.run_path({__file__!r});"
        " print(*(m['everything'](m['sample'](m['TASK'], 3, i, tier='all')) for i in range(5)),"
        " sep=chr(10))"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(
        command,
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines() == here


def test_any_prefix_of_scenes_covers_the_domain_evenly() -> None:
    task = make_task({SPEED: DOMAIN[SPEED], LIGHT: DOMAIN[LIGHT]})
    low, size = np.array([0.05, 25.0]), np.array([0.25, 60.0])
    for count in (64, 100, 300):
        rows = [tuple(sample(task, 1, scene).values.values()) for scene in range(count)]
        u = (np.array(rows, dtype=np.float64) - low) / size
        random_u = np.random.default_rng(0).random((count, 2))
        assert qmc.discrepancy(u) < 0.1 * qmc.discrepancy(random_u)


def test_integers_of_the_first_scenes_are_even() -> None:
    counts = Counter(sample(TASK, 0, scene).values[COUNT] for scene in range(1200))
    assert set(counts) == set(range(1, 13))
    assert all(abs(count - 100) <= 3 for count in counts.values())


def test_the_axes_of_parts_are_even() -> None:
    rows = [sample(TASK, 0, scene).part_values for scene in range(300)]
    rotations = [str(rotation) for row in rows for rotation in row[ROTATION]]
    assert len(set(rotations)) == len(rotations)
    objects = Counter(name for row in rows for name in row[OBJECTS])
    assert set(objects) == set(TEXTURES)
    assert stats.chisquare(list(objects.values())).pvalue > 1e-3
    x = [q["xyzw"][0] for row in rows for q in row[ROTATION] if isinstance(q, dict)]
    # A component of a uniform unit quaternion has density 2 / pi sqrt(1 - x^2).
    cdf = stats.semicircular.cdf
    assert stats.kstest(x, cdf).pvalue > 1e-3


def test_appending_an_axis_changes_no_other() -> None:
    longer = make_task({**DOMAIN, **WIDTH})
    for scene in range(20):
        before, after = sample(TASK, 0, scene), sample(longer, 0, scene)
        assert {**after.values, **before.values} == after.values
        assert after.part_values == before.part_values


def test_an_axis_pinned_to_free_dimensions_changes_no_other_wherever_it_stands() -> None:
    first = make_task({path: {**row, "dim": 40} for path, row in WIDTH.items()} | DOMAIN)
    for scene in range(20):
        before, after = sample(TASK, 0, scene), sample(first, 0, scene)
        assert {**after.values, **before.values} == after.values


def test_pinned_axes_stay_when_another_is_put_in_front() -> None:
    pinned = {COUNT: 0, SPEED: 1, LIGHT: 2}
    rows = {path: {**row, "dim": pinned[path]} for path, row in DOMAIN.items() if path in pinned}
    first = make_task({**WIDTH, **rows})
    last = make_task({**rows, **WIDTH})
    for scene in range(20):
        after = sample(first, 0, scene).values
        assert {**after, **sample(TASK, 0, scene).values} == after
        assert after == sample(last, 0, scene).values  # it takes the same, the lowest free one


def test_axes_beyond_the_sequence_are_even_and_stay_when_tried_again() -> None:
    row = {"kind": "semantic", "uniform": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))}
    zones = [f"scene.zones.z{i}.center" for i in range(22)]  # 66 dimensions; there are 64
    task = make_task(dict.fromkeys(zones, row))
    rows = [sample(task, 0, scene).values for scene in range(200)]
    assert rows[7] == sample(task, 0, 7, attempt=2).values
    assert len(set(rows[7].values())) == 22
    for component in np.array([row[zones[-1]] for row in rows]).T:
        assert stats.kstest(component, stats.uniform.cdf).pvalue > 1e-3


def test_another_attempt_keeps_the_scene_and_redraws_the_parts() -> None:
    first, second = sample(TASK, 0, 4), sample(TASK, 0, 4, attempt=1)
    assert second.values == first.values
    for path in (OBJECTS, ROTATION):
        assert second.part_values[path] != first.part_values[path]


def test_a_part_is_the_same_however_many_follow_it() -> None:
    few, many = (
        sample(make_task({**DOMAIN, COUNT: {"kind": "semantic", "integers": (n, n)}}), 0, 9)
        for n in (3, 20)
    )
    for path, row in few.part_values.items():
        assert many.part_values[path][:3] == row
        assert len(many.part_values[path]) == 20


def test_textures_are_those_of_the_part_that_wears_them() -> None:
    seen: dict[str, set[object]] = {name: set() for name in TEXTURES}
    for scene in range(40):
        row = sample(TASK, 0, scene).part_values
        for name, texture in zip(row[OBJECTS], row[TEXTURE], strict=True):
            seen[str(name)].add(texture)
    assert seen == {"bolt": {"zinc", "brass"}, "can": {"red", "blue", "zinc"}, "ball": {None}}


def test_textures_of_dealt_parts_follow_the_deal() -> None:
    dealt = make_task({TEXTURE: DOMAIN[TEXTURE]})
    for scene in range(20):
        textures = sample(dealt, 0, scene).part_values[TEXTURE]
        for texture, name in zip(textures, ("bolt", "can", "ball", "bolt"), strict=True):
            assert texture in (TEXTURES[name] or (None,))


def test_one_texture_for_the_scene_is_one_that_some_object_has() -> None:
    task = make_task({TEXTURE: {"kind": "visual", "choice": "all"}})
    seen = {sample(task, 0, scene).values[TEXTURE] for scene in range(40)}
    assert seen == {"zinc", "brass", "red", "blue"}


def test_a_look_seed_changes_visual_axes_only() -> None:
    for tier in ("core", "edge"):
        for scene in range(20):
            one, other = (sample(TASK, 0, scene, tier=tier, look_seed=look) for look in (None, 99))
            assert one.tier == other.tier
            changed = {path for path in one.values if one.values[path] != other.values[path]}
            assert changed == {LIGHT}
            for path in (OBJECTS, ROTATION):
                assert one.part_values[path] == other.part_values[path]
            same = sample(TASK, 0, scene, tier=tier, look_seed=0)
            assert everything(same) == everything(one)


def test_an_edge_scene_leaves_the_core_on_one_axis() -> None:
    inside = {
        f"{COUNT}/full": lambda value: 13 <= value <= 25,
        f"{SPEED}/fast": lambda value: 0.3 <= value <= 0.6,
        f"{SPEED}/stopped": lambda value: value == 0.0,
        f"{LIGHT}/glare": lambda value: 5 <= value <= 15,
    }
    tiers = Counter[str]()
    for scene in range(400):
        core, edge = sample(TASK, 0, scene), sample(TASK, 0, scene, tier="edge")
        path = edge.tier.split("/")[0]
        assert inside[edge.tier](edge.values[path])
        for other in core.values.keys() - {path}:
            assert edge.values[other] == core.values[other]
        tiers[edge.tier] += 1
    assert set(tiers) == set(inside)
    assert stats.chisquare(list(tiers.values())).pvalue > 1e-3


def test_all_is_core_or_edge_with_even_odds() -> None:
    cores = 0
    for scene in range(400):
        got = sample(TASK, 0, scene, tier="all")
        cores += got.tier == "core"
        tier = "core" if got.tier == "core" else "edge"
        assert everything(got) == everything(sample(TASK, 0, scene, tier=tier))
    assert stats.binomtest(cores, 400).pvalue > 1e-3


def test_the_tier_says_nothing_about_the_coordinates() -> None:
    tiers = np.array([sample(TASK, 0, scene, tier="all").tier for scene in range(600)])
    points = np.stack([point(0, scene) for scene in range(600)])
    for tier in ("core", f"{COUNT}/full"):
        chosen = points[tiers == tier]
        five_sigma = 5 * np.sqrt(1 / 12 / len(chosen))
        assert np.abs(chosen.mean(axis=0) - 0.5).max() < five_sigma


def test_a_new_edge_changes_only_the_scenes_that_it_wins() -> None:
    row = {"kind": "semantic", "uniform": (0.4, 0.6), "edge": {"thin": {"uniform": (0.1, 0.2)}}}
    longer = make_task({**DOMAIN, "scene.belts.main.width_m": row})
    wins = 0
    for scene in range(100):
        before, after = (sample(task, 0, scene, tier="edge") for task in (TASK, longer))
        won = after.tier.endswith("/thin")
        assert won or after.tier == before.tier
        wins += won
    assert 5 <= wins <= 40  # one of five edges


def test_no_two_streams_are_equal() -> None:
    keys = itertools.product((0, 1), (0, 1, 7), (SPEED, LIGHT, "tier"), (0, 1, 2), (0, 1))
    draws = [tuple(stream(*key).random(2)) for key in keys]
    assert len(set(draws)) == len(draws) == 108


def test_no_two_sobol_dimensions_are_equal() -> None:
    points = np.stack([point(0, scene) for scene in range(256)])
    columns = np.corrcoef(points.T) - np.eye(64)
    assert np.abs(columns).max() < 0.5
    assert np.abs(points - np.stack([point(1, scene) for scene in range(256)])).max() > 0.5


def test_wrong_arguments_are_explained() -> None:
    bare = make_task({LIGHT: {"kind": "visual", "uniform": (25, 85)}})
    for arguments, text in [
        ({"tier": "hard"}, "tier 'hard' is unknown; use core, edge or all"),
        ({"tier": "edge"}, "belt: domain: tier edge needs an axis with an edge, and none has one;"),
        ({"look_seed": -2}, "seed -2 is negative; use 0 or larger"),
    ]:
        with pytest.raises(InputError, match=text):
            sample(bare, 0, 0, **arguments)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"scene 1073741824 is out of range; .* 0\.\.1073741823"):
        sample(bare, 0, 2**30)
    assert sample(bare, 0, 0, tier="all").tier == "core"
