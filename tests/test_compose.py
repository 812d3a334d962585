"""A scene is what its task and sample say: bodies in order, parts clear of each other, cameras."""

import json
import os
import subprocess
import sys
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import pose
from simenv.compose import compose
from simenv.domain.sample import Sample, sample
from simenv.scene import Body, Scene
from simenv.spec.check import check
from simenv.spec.load import Task
from simenv.spec.object import ObjectModel, ObjectSpec
from simenv.spec.task import TaskSpec

ROTATION = "actors.parts.spawn.orientation"
ROUNDING = 1e-9  # metres
CLEAR = 0.002 - ROUNDING  # two parts come no closer
INTRINSICS = {"fx": 300.0, "fy": 310.0, "cx": 30.0, "s": 0.5}
SHAPES: dict[str, dict[str, Any]] = {
    "brick": {"shape": "box", "size_m": (0.06, 0.04, 0.02)},
    "rod": {"shape": "cylinder", "radius_m": 0.008, "length_m": 0.09},
    "ball": {"shape": "sphere", "radius_m": 0.02, "p": (0.01, 0.0, 0.03)},
    "plank": {"shape": "box", "size_m": (0.9, 0.05, 0.01)},
}
BOXES: dict[str, dict[str, Any]] = {
    "belts": {"main": {"length_m": 1.6, "width_m": 0.5, "top_z_m": 0.4, "speed_m_s": 0.15}},
    "tables": {"side": {"size_m": (0.8, 0.6), "top_z_m": 0.3, "center": (1.0, 0.5)}},
    "bins": {"tote": {"inner_size_m": (0.4, 0.3, 0.2), "base_z_m": 0.1, "wall_m": 0.02}},
}


def model(name: str) -> ObjectModel:
    """A part of one primitive; bricks have two textures."""
    keys = {"name": name, "class": name, "mesh": (SHAPES[name],), "collision": (SHAPES[name],)}
    textures = {"worn": "worn.png", "clean": "clean.png"} if name == "brick" else {}
    row = {**keys, "mass_kg": 0.1, "color": (0.1, 0.2, 0.3), "textures": textures}
    return ObjectModel(ObjectSpec.model_validate(row))


MODELS = {name: model(name) for name in SHAPES}


def make_task(
    domain: dict[str, Any] | None = None,
    *,
    zone: dict[str, Any] | None = None,
    spawn: dict[str, Any] | None = None,
    scene: dict[str, Any] | None = None,
    cameras: dict[str, Any] | None = None,
    **actors: Any,
) -> Task:
    """Bricks, rods and balls above a belt, beside a table and a bin."""
    eye = {"eye": (0.0, 0.0, 1.4), "target": (0.0, 0.0, 0.4)}
    nominal = {"center": (0.1, -0.05, 0.4), "size_m": (0.5, 0.3)}
    parts = {"objects": ("brick", "rod", "ball"), "count": 6, "spawn": {"zone": "in"}}
    spec = TaskSpec.model_validate(
        {
            "format": "simenv-task-1",
            "name": "belt",
            "actors": {"parts": {**parts, "spawn": {"zone": "in", **(spawn or {})}, **actors}},
            "scene": {**BOXES, "zones": {"in": {**nominal, **(zone or {})}}, **(scene or {})},
            "cameras": cameras or {"top": {"resolution": (64, 48), "fov_y_deg": 45.0, "X_WC": eye}},
            "domain": domain or {},
        }
    )
    assert not check(spec, MODELS)
    return Task(spec, MODELS)


TUMBLED = {ROTATION: {"kind": "semantic", "so3": "uniform", "each": "actor"}}


def scene_of(task: Task, index: int = 0, *, seed: int = 0, attempt: int = 0) -> Scene:
    """Scene number ``index``."""
    return compose(task, sample(task, seed, index, attempt=attempt), seed=seed)


def box(scene: Scene, body: Body) -> NDArray[np.float64]:
    """Lowest and highest corner (2, 3) of what is seen of the body, world."""
    vertices = pose.apply(body.X_WB, scene.objects[body.object].mesh.vertices)
    return np.stack([vertices.min(axis=0), vertices.max(axis=0)])


def assert_clear(scene: Scene) -> None:
    """No two parts' boxes are closer than the gap."""
    for one, other in combinations([box(scene, body) for body in scene.parts], 2):
        gap = np.maximum(one[0] - other[1], other[0] - one[1]).max()
        assert gap >= CLEAR


def everything(scene: Scene) -> str:
    """All that is random about a scene, as JSON."""
    rows = [[body.name, body.object, body.texture, body.X_WB.tolist()] for body in scene.bodies]
    return json.dumps([scene.tier, rows, dict(scene.scene_values), dict(scene.part_values)])


def test_bodies_are_parts_then_furniture_then_the_floor() -> None:
    scene = scene_of(make_task(count=4))
    names = [f"parts/{i}" for i in range(4)] + ["belts/main", "tables/side", "bins/tote", "floor"]
    assert [body.name for body in scene.bodies] == names
    assert [body.id for body in scene.bodies] == [1, 2, 3, 4, 5, 6, 7, 0]
    assert [body.group for body in scene.bodies] == [name.split("/")[0] for name in names]
    assert [body.fixed for body in scene.bodies] == [False] * 4 + [True] * 4
    assert [body.object for body in scene.parts] == ["brick", "rod", "ball", "brick"]
    assert set(scene.objects) == {body.object for body in scene.bodies}
    assert all(scene.objects[body.object].spec.mass_kg == 0 for body in scene.bodies[4:])


def test_furniture_stands_where_the_task_says() -> None:
    scene = scene_of(make_task(count=0))
    belt, table, tote, floor = (box(scene, body) for body in scene.bodies)
    assert belt == pytest.approx(np.array([[-0.8, -0.25, 0.32], [0.8, 0.25, 0.4]]))
    assert table == pytest.approx(np.array([[0.6, 0.2, 0.25], [1.4, 0.8, 0.3]]))
    assert tote == pytest.approx(np.array([[-0.22, -0.17, 0.1], [0.22, 0.17, 0.32]]))
    assert floor == pytest.approx(np.array([[-3, -3, -0.02], [3, 3, 0]]), abs=1e-12)


def test_a_bin_is_open_above_and_has_the_room_it_promises() -> None:
    scene = scene_of(make_task(count=0))
    boxes = scene.objects["bin_tote"].spec.mesh
    assert len(boxes) == 5
    rng = np.random.default_rng(0)
    inside = rng.uniform((-0.2, -0.15, 0.02), (0.2, 0.15, 0.3), (1000, 3))
    wall = rng.uniform((0.2, -0.15, 0.02), (0.22, 0.15, 0.22), (1000, 3))
    bottom = rng.uniform((-0.2, -0.15, 0.0), (0.2, 0.15, 0.02), (1000, 3))
    for points, filled in ((inside, 0), (wall, 1), (bottom, 1)):
        within = np.sum([_within(part, points) for part in boxes], axis=0)
        assert (within == filled).all()


def _within(part: Any, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(points - part.p) < np.array(part.size_m) / 2).all(axis=1))


def test_a_turned_belt_carries_along_its_own_x() -> None:
    belt = {**BOXES["belts"]["main"], "yaw_deg": 90.0, "profile": ((0.0, 1.0), (2.0, 0.0))}
    scene = scene_of(make_task(scene={"belts": {"main": belt}}))
    (motion,) = scene.belts
    assert scene.bodies[motion.body].name == "belts/main"
    assert motion.direction == pytest.approx([0, 1, 0])
    assert motion.speed(1.0, None) == pytest.approx(0.075)
    assert box(scene, scene.bodies[motion.body])[1] == pytest.approx([0.25, 0.8, 0.4])


def test_an_object_name_means_one_geometry() -> None:
    wide = {"scene.belts.main.width_m": {"kind": "semantic", "choice": (0.5, 0.6)}}
    keys: dict[str, set[float]] = {}
    for index in range(12):
        scene = scene_of(make_task(wide, count=0), index)
        belt = scene.bodies[0]
        keys.setdefault(belt.object, set()).add(float(np.ptp(box(scene, belt)[:, 1]).round(6)))
    assert len(keys) == 2
    assert keys.pop("belt_main") == {0.5}
    ((name, widths),) = keys.items()
    assert name.startswith("belt_main_")
    assert widths == {0.6}


def test_furniture_with_the_name_of_an_object_gets_another() -> None:
    task = make_task(count=1)
    clash = Task(task.spec, {**MODELS, "belt_main": MODELS["ball"]})
    assert scene_of(clash).bodies[1].object.startswith("belt_main_")


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(0, 30),
    seed=st.integers(0, 2**32),
    yaw_deg=st.floats(-180, 180),
    size=st.tuples(st.floats(0.05, 0.6), st.floats(0.05, 0.6)),
)
def test_parts_start_inside_their_zone_and_clear_of_each_other(
    count: int, seed: int, yaw_deg: float, size: tuple[float, float]
) -> None:
    zone = {"size_m": size, "yaw_deg": yaw_deg}
    scene = scene_of(make_task(TUMBLED, zone=zone, spawn={"stack_m": 9.0}, count=count), seed=seed)
    assert len(scene.parts) == count
    assert_clear(scene)
    X_WZ = pose.from_rpy_deg((0.0, 0.0, yaw_deg), (0.1, -0.05, 0.4))
    for body in scene.parts:
        vertices = scene.objects[body.object].mesh.vertices
        seen = pose.apply(pose.inverse(X_WZ) @ body.X_WB, vertices)
        low, high = seen.min(axis=0), seen.max(axis=0)
        assert low[2] >= 0.05 - ROUNDING
        for axis in (0, 1):
            if high[axis] - low[axis] <= size[axis]:
                assert max(-low[axis], high[axis]) <= size[axis] / 2 + ROUNDING
            else:
                assert abs(low[axis] + high[axis]) < ROUNDING  # centred


def test_a_roomy_zone_does_not_stack() -> None:
    scene = scene_of(make_task(zone={"size_m": (2.0, 2.0)}, count=12))
    for body in scene.parts:
        assert box(scene, body)[0, 2] == pytest.approx(0.45)


def test_scattered_parts_cover_the_zone_evenly() -> None:
    task = make_task(objects=("brick",), count=1)
    places = np.array([scene_of(task, index).parts[0].X_WB[:2, 3] for index in range(400)])
    reach = np.array([0.5 - 0.06, 0.3 - 0.04]) / 2
    assert np.abs(places - (0.1, -0.05)).max(axis=0) == pytest.approx(reach, rel=0.02)
    x, y = ((places - (0.1, -0.05)) / reach).T
    counts, _, _ = np.histogram2d(x, y, bins=3)
    assert counts.min() > 400 / 9 * 0.6


def test_explicit_places_are_fractions_of_the_way_and_stack_where_they_overlap() -> None:
    scene = scene_of(make_task(objects=("brick",), count=3, spawn={"position": (0.0, 1.0)}))
    boxes = [box(scene, body) for body in scene.parts]
    for level, one in enumerate(boxes):
        assert one[0] == pytest.approx([-0.15, 0.06, 0.45 + level * 0.022])
        assert one[1, :2] == pytest.approx([-0.09, 0.1])


def test_a_zone_too_full_for_its_parts_is_said() -> None:
    zone, spawn = {"size_m": (0.1, 0.1)}, {"stack_m": 0.05}
    crowded = make_task(zone=zone, spawn=spawn, objects=("brick",), count=20)
    assert scene_of(crowded).crowded
    for way_out in (
        make_task(spawn=spawn, objects=("brick",), count=20, zone={"size_m": (1.0, 1.0)}),
        make_task(zone=zone, spawn=spawn, objects=("brick",), count=2),
        make_task(zone=zone, spawn={"stack_m": 1.0}, objects=("brick",), count=20),
    ):
        assert_clear(scene_of(way_out))
        assert not scene_of(way_out).crowded


def test_a_part_starts_at_the_same_place_however_many_follow_it() -> None:
    few, many = (scene_of(make_task(TUMBLED, count=count)) for count in (3, 12))
    for body, same in zip(few.parts, many.parts[:3], strict=True):
        assert np.array_equal(body.X_WB, same.X_WB)


def test_another_attempt_starts_elsewhere() -> None:
    first, second = (scene_of(make_task(), attempt=attempt) for attempt in (0, 1))
    assert (first.attempt, second.attempt) == (0, 1)
    for body, other in zip(first.parts, second.parts, strict=True):
        assert not np.array_equal(body.X_WB, other.X_WB)


def test_parts_take_their_own_values() -> None:
    rows: dict[str, tuple[Any, ...]] = {
        "objects": ("ball", "brick", "brick"),
        "texture": (None, "worn", None),
        "color": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        "spawn.orientation": ({"rpy_deg": (0.0, 0.0, 90.0)},) * 3,
        "spawn.position": ((0.0, 0.0), (1.0, 1.0), (0.5, 0.5)),
        "spawn.height_m": (0.0, 0.1, 0.2),
    }
    values = {f"actors.parts.{key}": row for key, row in rows.items()}
    task = make_task(count=3)
    scene = compose(task, Sample(0, 0, "core", {}, values), seed=0)
    assert tuple(body.object for body in scene.parts) == rows["objects"]
    assert tuple(body.texture for body in scene.parts) == rows["texture"]
    assert tuple(body.color for body in scene.parts) == rows["color"]
    boxes = [box(scene, body) for body in scene.parts]
    assert [one[0, 2] for one in boxes] == pytest.approx([0.4, 0.5, 0.6])
    assert np.ptp(boxes[1], axis=0) == pytest.approx([0.04, 0.06, 0.02])
    assert boxes[1][1, :2] == pytest.approx([0.35, 0.1])
    assert scene.part_values == values


def test_a_texture_is_worn_by_the_parts_that_have_it() -> None:
    scene = scene_of(make_task(texture="worn", count=3))
    assert [body.texture for body in scene.parts] == ["worn", None, None]
    white, own = (1.0, 1.0, 1.0), (0.1, 0.2, 0.3)
    assert [body.color for body in scene.parts] == [white, own, own]
    assert [body.texture for body in scene.bodies[3:]] == ["rubber", "wood", "plastic", "concrete"]


def test_every_body_knows_its_role_and_its_surface() -> None:
    domain = {
        "actors.parts.roughness": {"kind": "visual", "uniform": (0.2, 0.9), "each": "actor"},
        "scene.tables.side.metallic": {"kind": "visual", "choice": (1.0,)},
    }
    task = make_task(domain, role="distractor", roughness=0.5, metallic=0.25)
    scene = compose(task, sample(task, 3, 0), seed=3)
    parts = {body.name: body for body in scene.parts}
    assert {body.role for body in parts.values()} == {"distractor"}
    assert {body.metallic for body in parts.values()} == {0.25}
    assert len({body.roughness for body in parts.values()}) == len(parts)
    others = {body.name: body for body in scene.bodies if body.fixed}
    assert {body.role for body in others.values()} == {"furniture"}
    assert others["tables/side"].metallic == 1.0
    assert others["bins/tote"].metallic == 0.0


def test_values_of_the_scene_arrive() -> None:
    domain = {
        "scene.belts.main.speed_m_s": {"kind": "semantic", "uniform": (0.2, 0.3)},
        "physics.rate_hz": {"kind": "semantic", "choice": (480.0,)},
        "look.light.elevation_deg": {"kind": "visual", "uniform": (25.0, 85.0)},
    }
    scene = scene_of(make_task(domain), 3)
    values = scene.scene_values
    assert scene.index == 3
    assert scene.belts[0].speed_m_s == values["scene.belts.main.speed_m_s"]
    assert scene.physics.rate_hz == 480.0
    assert scene.look.light.elevation_deg == values["look.light.elevation_deg"]


def test_a_scene_may_have_no_floor() -> None:
    scene = scene_of(make_task(scene={"floor": None}))
    assert scene.floor_z_m is None
    assert 0 not in {body.id for body in scene.bodies}


def test_the_centre_of_a_picture_looks_along_the_axis() -> None:
    eye = {"eye": (0.0, 0.0, 1.4), "target": (0.0, 0.0, 0.4)}
    cameras = {
        "angle": {"resolution": (64, 48), "fov_y_deg": 90.0, "X_WC": eye},
        "matrix": {"resolution": (64, 48), "K": INTRINSICS, "X_WC": eye, "near_m": 0.5},
    }
    angle, matrix = scene_of(make_task(cameras=cameras)).cameras
    assert angle.K == pytest.approx(np.array([[24, 0, 31.5], [0, 24, 23.5], [0, 0, 1]]))
    assert matrix.K == pytest.approx(np.array([[300, 0.5, 30], [0, 310, 23.5], [0, 0, 1]]))
    assert (matrix.name, matrix.width, matrix.height, matrix.near_m) == ("matrix", 64, 48, 0.5)
    assert matrix.view(7.0).X_WC == pytest.approx(pose.look_at((0, 0, 1.4), (0, 0, 0.4)))


def test_a_moving_camera_is_where_its_path_says() -> None:
    path = tuple(
        {"time_s": time, "eye": (x, 0.0, 1.4), "target": (x, 0.0, 0.4)}
        for time, x in ((0.0, 0.0), (2.0, 1.0))
    )
    cameras = {"arm": {"resolution": (64, 48), "fov_y_deg": 45.0, "path": path}}
    (camera,) = scene_of(make_task(cameras=cameras)).cameras
    assert [camera.view(time).X_WC[0, 3] for time in (0.0, 0.5, 2.0, 9.0)] == [0, 0.25, 1, 1]


def test_a_fresh_process_composes_the_same_scene() -> None:
    code = (
        f"import runpy; m = runpy.run_path({__file__!r});"
        " print(m['everything'](m['scene_of'](m['make_task'](m['TUMBLED']), 11, seed=5)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == everything(scene_of(make_task(TUMBLED), 11, seed=5))
