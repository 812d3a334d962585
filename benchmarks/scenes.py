"""Which scenes the benchmarks draw and drop: the same ones for every contestant.

- `posed`: 12 parts of about 1,000 triangles in given poses, for renderers alone;
- ``belt``: 12 parts ride a belt, 3 cameras x 4 frames;
- ``tote``: 12 parts fall into a tote, 3 cameras x 1 frame.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from simenv import pose
from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.scene import Scene, Snapshot, View
from simenv.spec import catalog
from simenv.spec.load import Task, task_from_text

__all__ = [
    "FRAMES",
    "PARTS",
    "SIZES",
    "posed",
    "scene_of",
    "snapshot_of",
    "task_of",
    "triangles",
    "view_of",
]

PARTS = 12
ABOUT_TRIANGLES = 1000  # of a part of `posed`: the catalog's twelve nearest to it
SIZES = ((128, 128), (320, 240), (640, 480))  # width, height
FRAMES = {"belt": 4, "tote": 1}

CAMERAS = """
cameras:
  overhead:
    resolution: [640, 480]
    K: {fx: 615, fy: 615, cx: 322.3, cy: 236.8}
    X_WC: {eye: [0, 0, 1.35], target: [0, 0, 0.4]}
  left:
    resolution: [640, 480]
    K: {fx: 615, fy: 615}
    X_WC: {eye: [-0.1, -0.8, 1.0], target: [0, 0, 0.4]}
  front:
    resolution: [640, 480]
    K: {fx: 615, fy: 615}
    X_WC: {eye: [0.9, 0.1, 0.9], target: [0, 0, 0.4]}
"""
DOMAIN = """
domain:
  actors.parts.objects: {kind: semantic, choice: all, each: actor}
  actors.parts.spawn.orientation: {kind: semantic, so3: uniform, each: actor}
"""
OBJECTS = "[hex_bolt, l_bracket, bottle_cap, carton_small, can, gear]"
TASKS = {
    "belt": f"""
format: simenv-task-1
name: benchmark
actors:
  parts:
    objects: {OBJECTS}
    count: {PARTS}
    spawn: {{zone: infeed, height_m: 0.06}}
scene:
  belts: {{main: {{length_m: 3.0, width_m: 0.6, top_z_m: 0.4, speed_m_s: 0.1}}}}
  zones: {{infeed: {{center: [-0.15, 0, 0.4], size_m: [0.5, 0.45]}}}}
capture: {{fps: 4, frames: {FRAMES["belt"]}}}
{CAMERAS}
{DOMAIN}""",
    "tote": f"""
format: simenv-task-1
name: benchmark_tote
actors:
  parts:
    objects: {OBJECTS}
    count: {PARTS}
    spawn: {{zone: mouth, height_m: 0.06, stack_m: 1.0}}
scene:
  tables: {{stand: {{size_m: [1.0, 0.8], top_z_m: 0.3}}}}
  bins: {{tote: {{inner_size_m: [0.6, 0.45, 0.2], base_z_m: 0.3}}}}
  zones: {{mouth: {{center: [0, 0, 0.33], size_m: [0.4, 0.28]}}}}
{CAMERAS}
{DOMAIN}""",
}
POSED = """
format: simenv-task-1
name: benchmark_posed
actors:
  parts:
    objects: [{objects}]
    count: {count}
    spawn: {{zone: belt, height_m: 0.3, stack_m: 5.0}}
scene:
  belts: {{main: {{length_m: 3.0, width_m: 0.5, top_z_m: 0.4, speed_m_s: 0.1}}}}
  bins: {{tote: {{inner_size_m: [0.3, 0.2, 0.1], base_z_m: 0.3, center: [0.0, 0.4]}}}}
  zones: {{belt: {{center: [0, 0, 0.4], size_m: [0.5, 0.4]}}}}
cameras:
  overhead:
    resolution: [640, 480]
    K: {{fx: 615, fy: 615}}
    X_WC: {{eye: [-0.25, -0.55, 1.15], target: [0, 0, 0.4]}}
"""
COLUMNS, PITCH_M, RISE_M = 4, 0.13, 0.06  # of the grid that the parts of `posed` stand on
JITTER_M = 0.03


@lru_cache
def task_of(name: str) -> Task:
    """The task ``belt`` or ``tote``."""
    return task_from_text(TASKS[name])


def scaled(name: str, size: tuple[int, int]) -> Task:
    """The task of that name with pictures of another size (width, height), same height of view."""
    (width, height), focal = size, f"{615 * size[1] / 480:g}"
    text = TASKS[name].replace("[640, 480]", f"[{width}, {height}]")
    text = text.replace(", cx: 322.3, cy: 236.8", "")
    return task_from_text(text.replace("fx: 615, fy: 615", f"fx: {focal}, fy: {focal}"))


def scene_of(name: str, index: int) -> Scene:
    """Scene ``index`` of a task, the same for every contestant."""
    return compose(task_of(name), sample(task_of(name), 0, index), seed=0)


@lru_cache
def posed() -> Scene:
    """Twelve different parts on a belt, a tote beside it, a floor; see `snapshot_of` for where."""
    models = [catalog.load_object(name) for name in catalog.names("objects")]
    models.sort(key=lambda model: abs(len(model.mesh.faces) - ABOUT_TRIANGLES))
    names = ", ".join(model.spec.name for model in models[:PARTS])
    task = task_from_text(POSED.format(objects=names, count=PARTS))
    return compose(task, sample(task, 0, 0), seed=0)


def triangles(scene: Scene) -> tuple[int, int]:
    """How many triangles the parts have, and everything."""
    counts = [(body.fixed, len(scene.objects[body.object].mesh.faces)) for body in scene.bodies]
    return sum(n for fixed, n in counts if not fixed), sum(n for _, n in counts)


def snapshot_of(scene: Scene, index: int) -> Snapshot:
    """Pose set ``index``: parts on a jittered grid in random orientations, a little in the air."""
    rng = np.random.default_rng([7, index])
    X_WB = np.stack([body.X_WB for body in scene.bodies])
    for row in range(len(scene.parts)):
        grid = np.array([row % COLUMNS - (COLUMNS - 1) / 2, row // COLUMNS - 1.0])
        place = PITCH_M * grid + rng.uniform(-JITTER_M, JITTER_M, 2)
        turn = rng.normal(size=4)  # uniform over SO(3), by symmetry
        X_WB[row] = pose.from_quaternion(turn / np.linalg.norm(turn), (*place, 0.4 + RISE_M))
    return Snapshot(scene, 0.0, index, 0.0, X_WB, np.zeros((len(X_WB), 6)))


def view_of(snapshot: Snapshot, size: tuple[int, int]) -> View:
    """The camera of `posed` at ``size`` (width, height): the same field of view up and down."""
    view, (width, height) = snapshot.view(snapshot.scene.cameras[0]), size
    focal = view.K[1, 1] * height / view.height
    K = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    return replace(view, width=width, height=height, K=K)
