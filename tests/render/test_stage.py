"""Bodies are loaded once and used again: a picture depends on its scene, never on those before."""

import os
import subprocess
import sys

import numpy as np
import pytest

from simenv import pose
from simenv.render import stage
from simenv.render.choose import open_renderer
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Snapshot
from simenv.spec.object import ObjectModel
from tests.render.build import Thing, at, ball, block, can, digest, ground, looking, snapshot

VIEW = looking((0.3, -0.5, 0.6), (0, 0, 0.05), size=(160, 120))
MODELS = [ball(0.04), can(0.03, 0.08), block(0.08, 0.05, 0.03), block(0.03, 0.03, 0.12)]
TEXTURES = [None, "wood", "checker", "steel"]


def random_scene(seed: int) -> Snapshot:
    """Up to ten bodies of four kinds and four textures, in random places."""
    rng = np.random.default_rng(seed)
    things = [
        Thing(
            MODELS[rng.integers(4)],
            pose.from_quaternion(rng.normal(size=4), rng.uniform((-0.2, -0.2, 0.03), 0.2)),
            TEXTURES[rng.integers(4)],
            (float(rng.uniform()), float(rng.uniform()), 0.5),
        )
        for _ in range(rng.integers(1, 11))
    ]
    return snapshot(*things, ground(), light=(float(rng.uniform(20, 80)), 10.0))


def equal(a: Frame, b: Frame) -> bool:
    """Whether two frames are bit-identical."""
    return (
        np.array_equal(a.rgb, b.rgb)
        and np.array_equal(a.depth_m, b.depth_m)
        and np.array_equal(a.instance, b.instance)
        and a.near_far_m == b.near_far_m
    )


def test_a_picture_is_the_same_after_any_other_scenes(renderer: Renderer) -> None:
    first = [renderer.render(random_scene(seed), VIEW) for seed in range(8)]
    for seed in [3, 7, 0, 5, 1, 1, 6, 2, 4]:
        assert equal(renderer.render(random_scene(seed), VIEW), first[seed])


def test_a_new_renderer_draws_the_same_from_its_first_picture_on(renderer: Renderer) -> None:
    """In another process, with other threads, and when it is the first."""
    here = [digest(renderer.render(random_scene(seed), VIEW)) for seed in (11, 12, 11)]
    assert here[0] == here[2]
    program = (
        "from tests.render.test_stage import *\n"
        "from simenv.render.choose import open_renderer\n"
        f"with open_renderer({renderer.name!r}) as renderer:\n"
        "    for seed in (11, 12, 11): print(digest(renderer.render(random_scene(seed), VIEW)))\n"
    )
    for threads in ("0", "2"):
        environment = {**os.environ, "LP_NUM_THREADS": threads, "PYTHONPATH": os.getcwd()}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        )
        assert done.stdout.decode().split()[-3:] == here


SLAB, PLANK = block(0.2, 0.2, 0.05), block(0.2, 0.21, 0.05)
PASTS = [
    [Thing(SLAB, at(0.01 * k, 0, 0)) for k in range(3)] + [Thing(PLANK, at(0, 0.03, 0))],
    [Thing(PLANK, at(0.01 * k, 0, 0)) for k in range(4)],
    [Thing(ball(0.02), at(0.01 * k, 0, 0)) for k in range(5)] + [Thing(SLAB, at(0, 0, 0))],
]


@pytest.mark.usefixtures("egl_closed")
@pytest.mark.parametrize("name", [pytest.param("egl", marks=pytest.mark.egl), "tiny"])
@pytest.mark.parametrize("second", [SLAB, PLANK], ids=["same_shape", "other_shape"])
def test_the_scene_alone_decides_who_wins_where_surfaces_coincide(
    second: ObjectModel, name: str
) -> None:
    tied = snapshot(
        Thing(SLAB, at(0.03, 0.02, 0.06), color=(1, 0, 0)),
        Thing(second, at(-0.04, 0.01, 0.06), color=(0, 1, 0)),
    )
    view = looking((0, 0, 0.6), (0, 0, 0), size=(160, 120))
    frames = []
    for past in ([], [PASTS[1]], PASTS, PASTS[::-1]):
        with open_renderer(name) as renderer:
            for things in past:
                renderer.render(snapshot(*things), view)
            frames.append(renderer.render(tied, view))
    assert all(equal(frame, frames[0]) for frame in frames[1:])


def test_parts_that_left_are_gone(renderer: Renderer) -> None:
    crowd = snapshot(*(Thing(MODELS[k % 4], at(0.1 * k - 0.3, 0, 0.05)) for k in range(6)))
    lonely = snapshot(Thing(MODELS[0], at(0, 0.1, 0.05)))
    renderer.render(crowd, VIEW)
    frame = renderer.render(lonely, VIEW)
    assert set(np.unique(frame.instance)) == {0, 1}
    empty = renderer.render(snapshot(), VIEW)
    assert not empty.instance.any()
    assert not empty.depth_m.any()


def test_poses_of_a_snapshot_are_used_not_those_of_the_scene(renderer: Renderer) -> None:
    start = snapshot(Thing(MODELS[2], at(0, 0, 0.1)))
    X_WB = start.X_WB.copy()
    X_WB[0] = at(0.05, -0.05, 0.02, 0, 40, 0)
    later = Snapshot(start.scene, 1.0, 1, 0.5, X_WB, start.velocity)
    fresh = snapshot(Thing(MODELS[2], at(0.05, -0.05, 0.02, 0, 40, 0)))
    before = renderer.render(start, VIEW)
    moved = renderer.render(later, VIEW)
    assert not np.array_equal(before.instance, moved.instance)
    # The stage is centred on the scene's start, so the last bits of depth may differ.
    assert np.sum(moved.instance != renderer.render(fresh, VIEW).instance) <= 1
    assert equal(renderer.render(start, VIEW), before)


def test_pictures_survive_the_engines_memory_limit(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = renderer.render(random_scene(1), VIEW)
    monkeypatch.setattr(stage, "SHAPE_LIMIT_BYTES", 0)
    assert equal(renderer.render(random_scene(1), VIEW), before)
    assert equal(renderer.render(random_scene(1), VIEW), before)
