"""Deviations spread as they say they do, and trial k is the same whatever else is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import pose
from simenv.grasp.perturb import SPREAD, Deviation, Spread, deviations

MANY = 1024
WIDE = Spread(0.004, 5.0, (0.5, 1.5), (0.9, 1.0), (0.2, 0.4))


def columns(ways: list[Deviation]) -> NDArray[np.float64]:
    """(N, 9) metres, degrees, factors."""
    return np.array(
        [
            [
                *way.X_GH[:3, 3],
                *np.degrees(pose.rotation_vector(way.X_GH[:3, :3])),
                way.friction,
                way.mass,
                way.force,
            ]
            for way in ways
        ]
    )


@pytest.mark.parametrize("spread", [SPREAD, WIDE])
@pytest.mark.parametrize("seed", [0, 3])
def test_positions_and_turns_are_normal_factors_are_even(spread: Spread, seed: int) -> None:
    found = columns(deviations(MANY, seed, spread))
    deviation = np.array([spread.position_m] * 3 + [spread.rotation_deg] * 3)
    np.testing.assert_allclose(found[:, :6].mean(axis=0), 0.0, atol=0.02 * deviation.max())
    np.testing.assert_allclose(found[:, :6].std(axis=0), deviation, rtol=0.03)
    within = (np.abs(found[:, :6]) < deviation).mean(axis=0)
    np.testing.assert_allclose(within, 0.6827, atol=0.02)
    for own, (low, high) in zip(
        found[:, 6:].T, (spread.friction, spread.mass, spread.force), strict=True
    ):
        assert low <= own.min()
        assert own.max() <= high
        assert own.mean() == pytest.approx((low + high) / 2, abs=0.01 * (high - low))
        assert own.std() == pytest.approx((high - low) / np.sqrt(12), rel=0.02)


def test_the_nine_deviations_do_not_go_together() -> None:
    found = np.corrcoef(columns(deviations(MANY, 0)).T)
    assert np.abs(found - np.eye(9)).max() < 0.1


@pytest.mark.parametrize("count", [1, 5, 20, 33])
def test_more_trials_begin_with_the_same(count: int) -> None:
    np.testing.assert_array_equal(
        columns(deviations(count, 4)), columns(deviations(100, 4))[:count]
    )


def test_twenty_trials_are_more_even_than_chance() -> None:
    """Each factor's twenty values fill most of twenty bins; random ones fill 13 of them."""
    for seed in range(5):
        found = columns(deviations(20, seed))[:, 6]
        low, high = SPREAD.friction
        bins = np.unique((20 * (found - low) / (high - low)).astype(int))
        assert len(bins) >= 14


def test_the_seed_decides() -> None:
    one, same, other = (columns(deviations(20, seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.isclose(one, other).any(axis=1).any()


def test_no_trials_are_no_deviations() -> None:
    assert deviations(0, 0) == []


def test_poses_are_proper() -> None:
    for way in deviations(64, 0, WIDE):
        R = way.X_GH[:3, :3]
        np.testing.assert_allclose(R.T @ R, np.eye(3), atol=1e-12)
        assert np.linalg.det(R) == pytest.approx(1.0)


def test_nothing_deviates_by_default() -> None:
    way = Deviation()
    np.testing.assert_array_equal(way.X_GH, np.eye(4))
    assert (way.friction, way.mass, way.force) == (1.0, 1.0, 1.0)
    (none,) = deviations(1, 0, Spread(0.0, 0.0, (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)))
    np.testing.assert_allclose(none.X_GH, np.eye(4), atol=1e-15)
    assert (none.friction, none.mass, none.force) == (1.0, 1.0, 1.0)
