"""Iterative stratification keeps every label in proportion, and what is given where it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv.split.assign import assign, deviations

SHARES = np.array([0.8, 0.1, 0.1])
Counts = NDArray[np.int64]


def cells(scenes: int, axes: int, seed: int) -> tuple[Counts, NDArray[np.float64]]:
    """Scenes with one of four cells of each axis, and their order."""
    rng = np.random.default_rng(seed)
    columns = [np.ones((scenes, 1), dtype=np.int64)]
    columns += [np.eye(4, dtype=np.int64)[rng.integers(0, 4, scenes)] for _ in range(axes)]
    return np.hstack(columns), rng.permutation(scenes).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_few_labels_are_within_a_scene_of_their_share(seed: int) -> None:
    counts, order = cells(400, 3, seed)
    parts = assign(counts, SHARES, order)
    assert np.abs(deviations(counts, SHARES, parts)).max() <= 1.0
    by_lot = np.random.default_rng(seed).permutation(np.repeat([0, 1, 2], [320, 40, 40]))
    assert np.abs(deviations(counts, SHARES, by_lot)).max() > 3.0


def test_many_labels_are_nearer_than_by_lot() -> None:
    counts, order = cells(200, 15, 0)
    parts = assign(counts, SHARES, order)
    assert np.abs(deviations(counts, SHARES, parts)).max() <= 3.0
    assert np.bincount(parts).tolist() == pytest.approx([160, 20, 20], abs=1)


def test_deviations_are_counted_by_hand() -> None:
    counts = np.array([[1, 1], [1, 1], [1, 0], [1, 0]])
    off = deviations(counts, np.array([0.5, 0.5]), np.array([0, 0, 0, 1]))
    assert off.tolist() == [[1.0, 1.0], [-1.0, -1.0]]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_what_is_given_stays_and_all_others_get_a_part(scenes: int, axes: int, seed: int) -> None:
    counts, order = cells(scenes, axes, seed)
    given_ = np.random.default_rng(seed).integers(-1, 3, scenes)
    parts = assign(counts, SHARES, order, given=given_)
    assert (parts[given_ >= 0] == given_[given_ >= 0]).all()
    assert ((parts >= 0) & (parts < 3)).all()


def test_rows_in_another_order_get_the_same_parts() -> None:
    counts, order = cells(80, 4, 1)
    parts = assign(counts, SHARES, order)
    mixed = np.random.default_rng(0).permutation(80)
    assert (assign(counts[mixed], SHARES, order[mixed]) == parts[mixed]).all()


def test_scenes_of_one_unit_count_as_many() -> None:
    counts = np.array([[6], *([[1]] * 6)])
    parts = assign(counts, np.array([0.5, 0.5]), np.arange(7.0))
    assert deviations(counts, np.array([0.5, 0.5]), parts).tolist() == [[0.0], [0.0]]
