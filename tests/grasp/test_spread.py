"""Grasps that a symmetry makes one are kept once, and the kept ones are far from each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from simenv import pose
from simenv.grasp.antipodal import antipodal
from simenv.grasp.spread import Twins, spread
from simenv.grasp.surface import Surface
from simenv.pose import Matrix
from simenv.spec.catalog import load_object
from simenv.spec.object import ContinuousSymmetry, Symmetry
from simenv.spec.robot import Jaw
from tests.grasp.build import ROUND, hand

SCALE_M = 0.03
NONE = Symmetry()
BALL = Symmetry(
    continuous=(
        ContinuousSymmetry(axis=(0.0, 0.0, 1.0), offset_m=(0.01, 0.0, 0.02)),
        ContinuousSymmetry(axis=(1.0, 0.0, 0.0), offset_m=(0.01, 0.0, 0.02)),
    )
)
CATALOG = ("carton_small", "gear", "hex_bolt", "can", "washer", "pipe_elbow", "tee_fitting")
seeds = st.integers(0, 2**32 - 1)


def grasp(seed: int) -> Matrix:
    rng = np.random.default_rng(seed)
    R = Rotation.random(rng=rng).as_matrix()
    return pose.pose(R, rng.uniform(-0.05, 0.05, 3))


def turned(axis: tuple[float, ...], angle: float, about: tuple[float, ...] = (0, 0, 0)) -> Matrix:
    R = Rotation.from_rotvec(angle * np.array(axis) / np.linalg.norm(axis)).as_matrix()
    return pose.pose(R, np.array(about) - R @ np.array(about))


def half_turn(X: Matrix) -> Matrix:
    return np.asarray(X @ pose.from_rpy_deg((0.0, 0.0, 180.0)))


def apart(one: Matrix, other: Matrix, symmetry: Symmetry, *, jaw: bool = True) -> float:
    (far,) = Twins(symmetry, jaw=jaw, scale_m=SCALE_M).distances(one[None], other)
    return float(far)


def kept(X_BG: NDArray[np.float64], symmetry: Symmetry, *, jaw: bool = True, count: int = 64,
         quality: NDArray[np.float64] | None = None) -> list[int]:  # fmt: skip
    quality = np.ones(len(X_BG)) if quality is None else quality
    rows = spread(X_BG, quality, count, symmetry, jaw=jaw, scale_m=SCALE_M)
    return [int(row) for row in rows]


# What is one grasp -------------------------------------------------------------------------------


@given(seeds, st.floats(0, 2 * np.pi))
@settings(max_examples=60, deadline=None)
def test_a_round_part_turned_by_any_angle_offers_the_same_grasp(seed: int, angle: float) -> None:
    X = grasp(seed)
    assert apart(turned((0, 0, 1), angle) @ X, X, ROUND) < 1e-6
    assert apart(half_turn(turned((0, 0, 1), angle) @ X), X, ROUND) < 1e-6


@given(seeds, st.floats(0.2, 6.0))
@settings(max_examples=30, deadline=None)
def test_an_axis_need_not_go_through_the_origin(seed: int, angle: float) -> None:
    offset, axis = (0.02, -0.01, 0.03), (1.0, 2.0, -1.0)
    own = Symmetry(continuous=(ContinuousSymmetry(axis=axis, offset_m=offset),))
    X = grasp(seed)
    assert apart(turned(axis, angle, offset) @ X, X, own) < 1e-6
    assert apart(turned(axis, angle) @ X, X, own) > 1e-3  # about an axis beside it: another grasp


@given(seeds, seeds)
@settings(max_examples=60, deadline=None)
def test_a_ball_turned_about_its_centre_offers_the_same_grasp(seed: int, turn: int) -> None:
    R = Rotation.random(rng=np.random.default_rng(turn)).as_matrix()
    centre = np.array([0.01, 0.0, 0.02])
    X = grasp(seed)
    twin = pose.pose(R, centre - R @ centre) @ X
    for jaw in (True, False):
        assert apart(twin, X, BALL, jaw=jaw) < 1e-6


@pytest.mark.parametrize("name", CATALOG)
def test_the_symmetries_of_an_object_make_one_grasp_of_many(name: str) -> None:
    symmetry = load_object(name).spec.symmetry
    own = [pose.from_rpy_deg(one.rpy_deg, one.offset_m) for one in symmetry.discrete]
    assert own or symmetry.continuous
    X = grasp(5)
    twins = [X, half_turn(X), *(S @ X for S in own)]
    twins += [turned(s.axis, angle) @ X for s in symmetry.continuous for angle in (0.1, 1.0, 4.0)]
    assert len(kept(np.array(twins), symmetry)) == 1
    assert len(kept(np.array(twins), NONE)) == len(twins) - 1  # the half turn is the gripper's own


@given(seeds, st.floats(0.1, 6.1))
@settings(max_examples=30, deadline=None)
def test_a_cup_turned_about_its_axis_is_the_same_cup_a_jaw_is_not(seed: int, angle: float) -> None:
    X = grasp(seed)
    twin = X @ turned((0, 0, 1), angle)
    assert apart(twin, X, NONE, jaw=False) < 1e-6
    if abs(angle - np.pi) > 0.1:
        assert apart(twin, X, NONE, jaw=True) > 0.09 * SCALE_M


@given(seeds, seeds, st.sampled_from([NONE, ROUND, BALL]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_distance_is_symmetric_and_at_most_that_without_symmetry(
    one: int, other: int, symmetry: Symmetry, jaw: bool
) -> None:
    X, Y = grasp(one), grasp(other)
    far = apart(X, Y, symmetry, jaw=jaw)
    assert far == pytest.approx(apart(Y, X, symmetry, jaw=jaw), abs=1e-6)
    # The best turn is best in the sum of squares: in the sum it may be worse by a root of two.
    assert far <= np.sqrt(2) * apart(X, Y, NONE, jaw=jaw) + 1e-8


@given(seeds, seeds)
@settings(max_examples=40, deadline=None)
def test_no_turn_of_a_round_part_is_much_nearer_than_the_one_that_was_chosen(
    one: int, other: int
) -> None:
    X, Y = grasp(one), grasp(other)
    least = min(
        apart(X, turned((0, 0, 1), angle) @ Y, NONE) for angle in np.linspace(0, 2 * np.pi, 361)
    )
    far = apart(X, Y, ROUND)
    assert far <= np.sqrt(2) * least + 1e-4
    assert far >= least - 0.01 * (0.05 + SCALE_M)


def test_moved_by_a_millimetre_is_a_millimetre_apart() -> None:
    X = grasp(1)
    Y = X.copy()
    Y[:3, 3] += (0.0, 0.0, 0.001)
    assert apart(X, Y, NONE) == pytest.approx(0.001, abs=1e-8)
    assert apart(X, X @ turned((1, 0, 0), 0.2), NONE) == pytest.approx(0.2 * SCALE_M)


# What is kept ------------------------------------------------------------------------------------


def invariants(X_BG: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 11) what turning about z does not change: radius, height, and axes seen from there."""
    p = X_BG[:, :3, 3]
    out = p * (1, 1, 0) / np.linalg.norm(p[:, :2], axis=1)[:, None]
    up = np.tile([0.0, 0.0, 1.0], (len(p), 1))
    local = np.stack([out, np.cross(up, out), up], axis=1)
    radius = np.linalg.norm(p[:, :2], axis=1)
    seen = (local @ X_BG[:, :3, :3]).reshape(-1, 9)
    return np.column_stack([radius, p[:, 2], SCALE_M * seen])


def jaw_grasps(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    own = hand("jaw85").gripper
    assert isinstance(own, Jaw)
    surface = Surface(load_object(name).mesh)
    found = antipodal(surface, own, friction=0.4, tip_m=hand("jaw85").tip_m, count=160, seed=0)
    return found.X_BG, found.quality


def test_no_two_grasps_of_a_can_are_one_turned_flipped_or_with_the_fingers_swapped() -> None:
    X_BG, quality = jaw_grasps("can")
    flip = pose.from_rpy_deg((180.0, 0.0, 0.0))
    rows = kept(X_BG, load_object("can").spec.symmetry, quality=quality, count=200)
    chosen = X_BG[rows]
    forms = [chosen, flip @ chosen]
    forms += [np.array([half_turn(X) for X in form]) for form in forms]
    judged = cKDTree(invariants(chosen))
    for k, form in enumerate(forms):
        near = np.asarray(judged.query(invariants(form), k=2)[0])
        assert near[:, 1 if k == 0 else 0].min() > 1e-4
    assert len(rows) == 200


@pytest.mark.parametrize("name", ["carton_small", "gear", "pipe_elbow"])
def test_no_two_grasps_are_one_by_the_parts_or_the_grippers_symmetry(name: str) -> None:
    X_BG, quality = jaw_grasps(name)
    symmetry = load_object(name).spec.symmetry
    chosen = X_BG[kept(X_BG, symmetry, quality=quality, count=120)]
    motions = [np.eye(4), *(pose.from_rpy_deg(s.rpy_deg, s.offset_m) for s in symmetry.discrete)]
    for k, motion in enumerate(motions):
        for half in (False, True):
            twins = motion @ chosen
            if half:
                twins = np.array([half_turn(X) for X in twins])
            off = np.abs(chosen[:, None, :3] - twins[None, :, :3]).max(axis=(2, 3))
            if k == 0 and not half:
                np.fill_diagonal(off, np.inf)
            assert off.min() > 1e-4


@pytest.mark.parametrize("name", ["can", "carton_small"])
def test_a_bigger_count_begins_with_the_smaller(name: str) -> None:
    X_BG, quality = jaw_grasps(name)
    symmetry = load_object(name).spec.symmetry
    most = kept(X_BG, symmetry, quality=quality, count=64)
    for count in (1, 7, 32):
        assert kept(X_BG, symmetry, quality=quality, count=count) == most[:count]


def test_the_best_comes_first_and_each_next_is_nearer_to_those_before() -> None:
    """Gonzalez' law: the radii fall, and the last one covers all that is left."""
    X_BG, quality = jaw_grasps("gear")
    symmetry = load_object("gear").spec.symmetry
    rows = kept(X_BG, symmetry, quality=quality, count=40)
    twins = Twins(symmetry, jaw=True, scale_m=SCALE_M)
    assert quality[rows[0]] == quality.max()
    radii = [
        min(float(twins.distances(X_BG[row : row + 1], X_BG[own])[0]) for own in rows[:k])
        for k, row in enumerate(rows)
        if k
    ]
    assert all(one >= other - 1e-9 for one, other in pairwise(radii))
    left = np.min([twins.distances(X_BG, X_BG[row]) for row in rows], axis=0)
    assert left.max() <= radii[-1] + 1e-9


def test_what_is_within_a_millimetre_of_a_chosen_one_is_left_out() -> None:
    X_BG = np.tile(grasp(0), (50, 1, 1))
    X_BG[:, 0, 3] += np.linspace(0.0, 0.0049, 50)
    rows = kept(X_BG, NONE)
    x = np.sort(X_BG[rows, 0, 3])
    assert (np.diff(x) >= 1e-3).all()
    assert 4 <= len(rows) <= 5


def test_a_grasp_that_comes_later_waits_until_so_many_are_chosen() -> None:
    X_BG = np.array([grasp(k) for k in range(40)])
    since = np.repeat([0, 5], 20)
    rows = spread(X_BG, np.ones(40), 12, NONE, jaw=True, scale_m=SCALE_M, since=since)
    assert (rows[:5] < 20).all()
    assert (rows[5:] >= 20).any()


def test_of_no_grasps_none_is_kept() -> None:
    assert kept(np.zeros((0, 4, 4)), ROUND) == []
