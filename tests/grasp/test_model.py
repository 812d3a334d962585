"""Shares and their intervals follow from what the trials say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from simenv.grasp.model import OUTCOMES, wilson
from tests.dataset.grasps import box_grasps


@pytest.mark.parametrize("n", [1, 2, 7, 20, 1000])
def test_the_interval_is_wilsons(n: int) -> None:
    k = np.arange(0, n + 1, max(1, n // 50))
    wanted = [
        binomtest(int(own), n).proportion_ci(confidence_level=0.95, method="wilson") for own in k
    ]
    np.testing.assert_allclose(wilson(k, np.full(len(k), n)), np.array(wanted), atol=1e-12)


def test_of_no_trial_nothing_is_known() -> None:
    np.testing.assert_allclose(wilson(np.array([0]), np.array([0])), [[0.0, 1.0]], atol=1e-12)


def test_more_trials_narrow_the_interval_around_the_share() -> None:
    n = np.array([10, 20, 40, 80, 1600])
    low, high = wilson(n * 0.7, n).T
    assert (np.diff(high - low) < 0).all()
    assert ((low < 0.7) & (0.7 < high)).all()


def test_probability_counts_what_held_of_what_was_tried() -> None:
    outcome = np.array(
        [
            [0, 0, 0, 0],
            [0, 1, 2, 0],
            [5, 4, 3, 1],
            [0, -1, -1, 3],
            [-1, -1, -1, -1],
        ],
        dtype=np.int8,
    )
    own = replace(box_grasps(5, 4), outcome=outcome)
    assert own.trials.tolist() == [4, 4, 4, 2, 0]
    assert own.successes.tolist() == [4, 2, 0, 1, 0]
    np.testing.assert_array_equal(own.success_probability, [1.0, 0.5, 0.0, 0.5, np.nan])
    np.testing.assert_array_equal(own.interval, wilson(own.successes, own.trials))
    assert len(own) == 5


def test_held_is_the_first_outcome() -> None:
    assert OUTCOMES[0] == "held"
    assert len(set(OUTCOMES)) == len(OUTCOMES)
