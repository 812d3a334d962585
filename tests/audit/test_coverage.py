"""Cells are counted by scene; holes are told from what cannot be; evenness has known values."""

import json

import numpy as np
import pytest
from scipy.stats import qmc

from simenv.audit.coverage import as_json, coverage, evenness
from simenv.audit.discrepancy import coordinates, discrepancy, independent
from simenv.audit.joint import NEVER, Joint, joints, singles
from simenv.audit.observe import Observed
from tests.audit.build import observed, variable

A_TO_H = tuple("abcdefgh")


def square(cells: np.ndarray, *, planned: bool = True, repeat: int = 1) -> Observed:
    """Two variables of eight cells, from (N, 2) cells."""
    rows = np.repeat(cells, repeat, axis=0)
    columns = [
        variable(name, rows[:, k], names=A_TO_H, planned=planned, role="semantic")
        for k, name in enumerate("xy")
    ]
    return observed(*columns)


def grid() -> np.ndarray:
    """All 64 pairs."""
    return np.stack(np.meshgrid(range(8), range(8), indexing="ij"), axis=-1).reshape(-1, 2)


def only(found: Observed, reference: Observed | None = None) -> Joint:
    """Of its one pair of variables."""
    (joint,) = joints(found, reference)
    return joint


def test_a_full_square_is_covered_and_its_diagonal_is_an_eighth_of_the_pairs() -> None:
    full, diagonal = coverage(square(grid())), coverage(square(np.repeat(np.arange(8), 2)[:, None]
                                                               .repeat(2, axis=1)))  # fmt: skip
    assert full.share == full.planned == 1.0
    assert (full.pairs[0].reached, full.pairs[0].reachable) == (64, 64)
    assert (diagonal.pairs[0].reached, diagonal.pairs[0].reachable) == (8, 64)
    assert [own.reached for own in diagonal.variables] == [8, 8]
    assert diagonal.planned == (8 + 8 + 8) / (8 + 8 + 64)


def test_planned_cells_stay_reachable_however_often_they_did_not_come() -> None:
    twice = np.arange(8)[:, None].repeat(2, axis=1)
    joint = only(square(twice, repeat=1000))
    assert joint.expected[0, 1] == pytest.approx(125)
    assert joint.reachable.all()
    assert not joint.excluded.any()


def test_a_realised_pair_that_should_have_come_is_excluded_and_a_rare_one_is_open() -> None:
    diagonal = np.arange(8)[:, None].repeat(2, axis=1)
    few, many = (only(square(diagonal, planned=False, repeat=k)) for k in (50, 60))
    assert few.expected[0, 1] == pytest.approx(50 / 8)
    assert many.expected[0, 1] == pytest.approx(60 / 8)
    assert 50 / 8 < NEVER < 60 / 8
    assert few.open.sum() == 56
    assert not few.excluded.any()
    assert many.excluded.sum() == 56
    assert not many.open.any()


def test_independent_variables_are_hardly_ever_called_unreachable() -> None:
    wrong = total = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        cells = rng.choice(8, p=np.array([40, 20, 10, 5, 2, 1, 1, 1]) / 80, size=(600, 2))
        joint = only(square(cells, planned=False))
        wrong, total = wrong + int(joint.excluded.sum()), total + joint.reachable.size
    assert wrong <= 3e-3 * total


def test_rows_of_one_part_in_many_frames_are_no_further_evidence() -> None:
    rng = np.random.default_rng(3)
    scene, cells = np.arange(80), rng.integers(0, 8, (80, 2))

    def over(frames: int) -> Joint:
        rows = np.repeat(cells, frames, axis=0)
        columns = [
            variable(name, rows[:, k], level="part", names=A_TO_H) for k, name in enumerate("xy")
        ]
        return only(observed(*columns, scene=np.repeat(scene, frames)))

    assert over(10).expected == pytest.approx(over(1).expected, rel=0.05)
    assert (over(10).excluded == over(1).excluded).all()


def test_expected_scenes_of_independent_parts_are_those_that_come() -> None:
    rng = np.random.default_rng(5)
    scene = np.repeat(np.arange(2000), 6)
    columns = [
        variable(name, rng.integers(0, 8, len(scene)), level="part", names=A_TO_H) for name in "xy"
    ]
    joint = only(observed(*columns, scene=scene))
    assert joint.scenes.mean() == pytest.approx(joint.expected.mean(), rel=0.02)


def test_a_reference_that_shows_a_cell_makes_it_reachable() -> None:
    diagonal = np.arange(8)[:, None].repeat(2, axis=1)
    one = square(diagonal, planned=False, repeat=60)
    joint = only(one, square(grid(), planned=False))
    assert joint.open.sum() == 56
    half = square(grid()[:32], planned=False)
    assert singles(half)["x"].reachable.sum() == 4
    assert singles(half, square(grid(), planned=False))["x"].reachable.sum() == 8


def test_cells_that_only_the_reference_has_are_open() -> None:
    here = observed(variable("x", [0, 1], names=("a", "b")), variable("y", [0, 1]))
    there = observed(variable("x", [0, 1, 2], names=("b", "c", "d")), variable("y", [0, 1, 1]))
    single = singles(here, there)["x"]
    assert single.names == ("a", "b", "c", "d")
    assert single.open.tolist() == [False, False, True, True]
    assert only(here, there).open.sum() == 2 * 4 - 2


def test_rejected_scenes_cover_nothing_and_a_cell_that_is_always_rejected_is_excluded() -> None:
    cells = np.repeat(np.arange(2), 20)
    found = observed(
        variable("x", cells, planned=True, role="semantic"),
        variable("y", np.tile([0, 1], 20), planned=True, role="visual"),
        rejected=range(20),
    )
    assert coverage(found).scenes == 20
    assert singles(found)["x"].scenes.tolist() == [0, 20]
    assert singles(found)["x"].excluded.tolist() == [True, False]


def test_the_largest_hole_is_named_with_what_is_missing() -> None:
    cells = np.repeat(grid(), 4, axis=0)
    cells = cells[~((cells == [2, 5]).all(axis=1) & (np.arange(len(cells)) % 4 > 0))]
    hole = coverage(square(cells)).planned_holes[0]
    assert (hole.one, hole.one_cell, hole.other, hole.other_cell) == ("x", "c", "y", "f")
    assert hole.scenes == 1
    assert hole.expected == pytest.approx(29 * 29 / 253)
    assert hole.missing == pytest.approx(1 - 1 / hole.expected)
    assert "x c with y f: 1 of 3.3 expected scenes" in str(hole)


def test_one_thing_said_twice_is_no_pair() -> None:
    u, border = (variable(name, [0, 1]) for name in ("u", "border"))
    count = variable("actors.parts.count", [0, 1], planned=True, role="semantic")
    assert not list(joints(observed(u, border)))
    assert not list(joints(observed(count, variable("parts", [0, 1]))))


def test_evenness_is_one_of_even_cells_and_the_entropy_of_others() -> None:
    assert evenness(np.array([5, 5, 5, 5])) == pytest.approx(1)
    assert evenness(np.array([7, 0])) == 0
    half = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75)) / np.log(2)
    assert evenness(np.array([1, 3])) == pytest.approx(half)


def test_coverage_is_plain_json() -> None:
    text = json.dumps(as_json(coverage(square(grid()))))
    assert json.loads(text)["share"] == 1.0


@pytest.mark.parametrize(("count", "dims"), [(64, 1), (100, 4), (256, 8)])
def test_independent_points_have_the_discrepancy_of_the_formula(count: int, dims: int) -> None:
    rng = np.random.default_rng(11)
    squares = [qmc.discrepancy(rng.random((count, dims)), method="CD") for _ in range(200)]
    assert np.sqrt(np.mean(squares)) == pytest.approx(independent(count, dims), rel=0.1)


def test_a_sobol_sequence_is_far_more_even_than_independent_points() -> None:
    points = qmc.Sobol(4, rng=np.random.default_rng(2)).random(1024)
    found = discrepancy(points)
    assert found is not None
    assert found.ratio > 5
    assert discrepancy(np.zeros((10, 0))) is None


def test_numbers_go_back_to_where_in_the_unit_cube_they_were_drawn() -> None:
    rng = np.random.default_rng(4)
    u = rng.random((500, 3))
    domain = {
        "look.light.elevation_deg": {"kind": "visual", "uniform": (20.0, 80.0)},
        "look.light.intensity": {"kind": "visual", "log_uniform": (0.5, 2.0)},
        "look.light.azimuth_deg": {"kind": "visual", "uniform": (0.0, 360.0)},
    }
    values = (20 + 60 * u[:, 0], 0.5 * 4 ** u[:, 1], 360 * u[:, 2])
    columns = [
        variable(path, np.zeros(500), values=own, planned=True, role="visual")
        for path, own in zip(domain, values, strict=True)
    ]
    points, names = coordinates(observed(*columns, domain=domain))
    assert names == tuple(domain)
    assert points == pytest.approx(u)
