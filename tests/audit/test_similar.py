"""The effective number of scenes is exact for distinct scenes and for copies."""

import numpy as np
import pytest

from simenv.audit.observe import Observed
from simenv.audit.similar import SAME, points, similar
from tests.audit.build import observed, variable


def scenes(u: np.ndarray, sides: np.ndarray | None = None, **changes: object) -> Observed:
    """Scenes with an axis for each column of ``u``, and a part that lies on one of its sides."""
    axes = [
        variable(f"axis {k}", np.zeros(len(u)), values=own, planned=True, role="semantic")
        for k, own in enumerate(u.T)
    ]
    side = np.zeros(len(u)) if sides is None else sides
    return observed(*axes, variable("face", side, level="part"), **changes)  # type: ignore[arg-type]


def test_distinct_scenes_count_fully_and_copies_as_one() -> None:
    u = np.random.default_rng(0).random((400, 5))
    assert similar(scenes(u)).effective == 400
    twice = similar(scenes(np.concatenate([u, u])))
    assert (twice.scenes, twice.repeated) == (800, 800)
    assert twice.effective == pytest.approx(400)
    assert twice.share == pytest.approx(0.5)


def test_scenes_that_differ_in_one_part_alone_are_distinct() -> None:
    u = np.random.default_rng(1).random((50, 3))
    both = np.concatenate([u, u])
    assert similar(scenes(both, np.repeat([0, 1], 50))).effective == 100


def test_near_is_within_one_percent_of_the_range_in_every_coordinate() -> None:
    ends = np.array([[0.0], [1.0]])
    assert similar(scenes(np.concatenate([ends, [[0.9 * SAME]]]))).effective == pytest.approx(2)
    assert similar(scenes(np.concatenate([ends, [[1.1 * SAME]]]))).effective == pytest.approx(3)


def test_the_largest_group_is_named_by_scene_number() -> None:
    u = np.random.default_rng(2).random((20, 4))
    u[[3, 8, 15]] = u[3]
    found = similar(scenes(u, first=100))
    assert found.largest == (103, 108, 115)
    assert found.effective == pytest.approx(18)


def test_rejected_scenes_do_not_count() -> None:
    u = np.random.default_rng(3).random((10, 2))
    found = similar(scenes(np.concatenate([u, u]), rejected=range(10)))
    assert (found.scenes, found.effective) == (10, 10)
    assert similar(scenes(u, rejected=range(10))).scenes == 0


def test_a_scene_is_a_point_of_means_and_shares() -> None:
    part = variable("x", [0, 0, 1], level="part", values=[0.0, 1.0, 2.0])
    face = variable("face", [0, 1, 1], level="part")
    found = points(observed(part, face, scene=[0, 0, 1]))
    assert found == pytest.approx(np.array([[0.25, 0.5, 0.5], [1.0, 0.0, 1.0]]))
