"""Every task of tasks/ loads, pins its Sobol dimensions, and shows its parts to its cameras."""

import numpy as np
import pytest

from simenv import pose
from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.physics.world import World
from simenv.scene import Snapshot, View
from simenv.spec import catalog
from simenv.spec.load import Task, load_task

NAMES = catalog.names("tasks")


@pytest.fixture(params=NAMES)
def task(request: pytest.FixtureRequest) -> Task:
    """Each task of the catalog."""
    return load_task(str(request.param))


def test_the_built_in_tasks_are_there() -> None:
    assert {"bin_pick", "conveyor_pick", "table_clutter"} <= set(NAMES)


def test_it_says_what_it_is_for(task: Task) -> None:
    assert task.spec.summary
    assert len(task.spec.cameras) >= 2


def test_the_domain_has_both_kinds_and_edges(task: Task) -> None:
    rows = task.spec.domain.values()
    assert {row.kind for row in rows} == {"semantic", "visual"}
    assert sum(len(row.edge) for row in rows) >= 2


def test_rows_of_the_scene_pin_their_dimension(task: Task) -> None:
    """So that a new row, put anywhere, changes no scene of an old dataset."""
    pinned = [row.dim for row in task.spec.domain.values() if row.each is None]
    assert None not in pinned


def seen(snapshot: Snapshot, view: View) -> np.bool_:
    """Whether the origin of every part is inside the picture."""
    rows = [k for k, body in enumerate(snapshot.scene.bodies) if not body.fixed]
    p_C = pose.apply(pose.inverse(view.X_WC), snapshot.X_WB[rows, :3, 3])
    uv = (p_C @ view.K.T)[:, :2] / p_C[:, 2:]
    return np.all((p_C[:, 2] > 0) & (uv > 0).all(axis=1) & (uv < (view.width, view.height)).all(1))


def test_every_camera_sees_all_parts_in_all_frames(task: Task) -> None:
    accepted = 0
    with World() as world:
        for index in range(3):
            scene = compose(task, sample(task, 0, index), seed=0)
            snapshots = world.run(scene).snapshots
            accepted += len(snapshots) == task.spec.capture.frames
            for snapshot in snapshots:
                assert all(seen(snapshot, snapshot.view(camera)) for camera in scene.cameras)
    assert accepted >= 2
