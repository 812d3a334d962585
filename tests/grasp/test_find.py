"""A set of grasps: the same for any number of workers, begun by any larger one."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from simenv.cli import app
from simenv.grasp.cell import Cell
from simenv.grasp.find import Wish, candidates, digest, find, judge, why_none
from simenv.grasp.model import GraspSet
from simenv.spec.catalog import load_object
from simenv.spec.object import Box, Cylinder, Friction, ObjectModel
from tests.grasp.build import hand, part
from tests.physics.build import hulled, prism

FEW = Wish(count=6, trials=3)


def columns(own: GraspSet) -> dict[str, NDArray[np.float64]]:
    return {
        field.name: getattr(own, field.name)
        for field in fields(own)
        if isinstance(getattr(own, field.name), np.ndarray)
    }


def box(*size_m: float, mass: float = 0.1) -> ObjectModel:
    x, y, z = size_m
    return part(Box(shape="box", size_m=(x, y, z)), mass=mass)


@pytest.mark.parametrize(("gripper", "name"), [("jaw85", "hex_bolt"), ("cup", "carton_small")])
def test_any_number_of_workers_finds_the_same(gripper: str, name: str) -> None:
    done: list[tuple[int, int]] = []
    own = hand(gripper), load_object(name), FEW
    alone = find(*own, jobs=1)
    two = find(*own, jobs=2, progress=lambda some, total: done.append((some, total)))
    for column, values in columns(alone).items():
        np.testing.assert_array_equal(values, columns(two)[column])
    assert alone.settings == two.settings
    assert done[-1] == (len(alone), len(alone))
    assert len(alone) == FEW.count


def test_a_larger_count_begins_with_the_same_grasps() -> None:
    for gripper, name in (("jaw85", "can"), ("cup", "carton_small")):
        few, more, most = (
            candidates(hand(gripper), load_object(name), Wish(count=count)).X_BG
            for count in (5, 16, 100)
        )
        assert (len(few), len(more)) == (5, 16)
        np.testing.assert_array_equal(more[:5], few)
        np.testing.assert_array_equal(most[:16], more)


def test_more_trials_begin_with_the_same_outcomes() -> None:
    few = find(hand("jaw85"), box(0.03, 0.04, 0.05), Wish(count=2, trials=2))
    more = find(hand("jaw85"), box(0.03, 0.04, 0.05), Wish(count=2, trials=4))
    np.testing.assert_array_equal(more.outcome[:, :2], few.outcome)


def test_the_seed_decides() -> None:
    own = [candidates(hand("jaw85"), box(0.03, 0.04, 0.05), Wish(count=4, seed=s)) for s in (0, 1)]
    assert not np.array_equal(own[0].X_BG, own[1].X_BG)


@pytest.mark.parametrize(("gripper", "name"), [("jaw85", "gear"), ("cup", "l_bracket")])
def test_an_open_gripper_gets_to_each_candidate(gripper: str, name: str) -> None:
    own = candidates(hand(gripper), load_object(name), Wish(count=12))
    with Cell(hand(gripper), load_object(name)) as cell:
        assert not any(
            cell.meets(X_BG, float(opening))
            for X_BG, opening in zip(own.X_BG, own.opening_m, strict=True)
        )


@pytest.mark.parametrize("collision", ["primitive", "hull"])
def test_primitives_and_hulls_are_held(tmp_path: Path, collision: str) -> None:
    model = (
        part(Cylinder(shape="cylinder", radius_m=0.02, length_m=0.06))
        if collision == "primitive"
        else hulled(tmp_path, "prism", prism(0.02, 0.06))
    )
    found = find(hand("jaw85"), model, FEW)
    assert len(found) == FEW.count
    assert found.success_probability.mean() > 0.5
    assert (found.kind, found.gripper, found.object) == ("jaw", "jaw85", model.spec.name)
    assert found.outcome.shape == (FEW.count, FEW.trials)


def test_numbers_are_means_of_what_held() -> None:
    wish = replace(FEW, trials=4)
    model, own = box(0.05, 0.09, 0.04, mass=1.5), hand("jaw85")
    found = find(own, model, wish)
    rows = judge(own, model, found.X_BG, found.opening_m, wish)
    for k, row in enumerate(rows):
        held = [trial for trial in row if trial.outcome == 0]
        assert [trial.outcome for trial in row] == found.outcome[k].tolist()
        for column, name in ((found.motion_m, "motion_m"), (found.slip_m, "slip_m"),
                             (found.turn_rad, "turn_rad")):  # fmt: skip
            wanted = np.mean([getattr(trial, name) for trial in held]) if held else np.nan
            np.testing.assert_allclose(column[k], wanted, rtol=1e-6)


# Nothing found -----------------------------------------------------------------------------------


def test_of_a_part_too_wide_the_width_and_the_opening_are_named(tmp_path: Path) -> None:
    wide = box(0.09, 0.1, 0.12)
    found = find(hand("jaw85"), wide, FEW)
    assert (len(found), found.outcome.shape) == (0, (0, FEW.trials))
    assert why_none(hand("jaw85"), wide) == (
        "it is 90 mm wide where it is least, and the jaw opens to 85 mm, of which 4 mm are to spare"
    )
    folder = tmp_path / "crate"
    folder.mkdir()
    (folder / "object.yaml").write_text(
        "format: simenv-object-1\nname: crate\nclass: crate\nmass_kg: 0.5\n"
        "mesh: [{shape: box, size_m: [0.09, 0.1, 0.12]}]\n"
        "collision: [{shape: box, size_m: [0.09, 0.1, 0.12]}]\n"
    )
    words = ["grasps", str(folder), "--gripper", "jaw85", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code != 0
    assert "90 mm wide" in f"{result.output}{result.exception}"
    assert "opens to 85 mm" in f"{result.output}{result.exception}"


def test_a_jaw_that_opens_wider_holds_it() -> None:
    """The way out of the text above."""
    assert len(find(hand("wsg50"), box(0.09, 0.1, 0.12), Wish(count=2, trials=1))) == 2


def test_a_part_without_a_flat_place_is_none_for_a_cup() -> None:
    thin = part(Cylinder(shape="cylinder", radius_m=0.005, length_m=0.1))
    assert len(find(hand("cup"), thin, FEW)) == 0
    assert why_none(hand("cup"), thin) == "nowhere is it as flat and as large as the lip"


def test_a_part_without_friction_is_taken_by_parallel_sides_and_lost() -> None:
    slick = part(Box(shape="box", size_m=(0.03, 0.04, 0.05)), friction=0.0)
    found = find(hand("jaw85"), slick, FEW)
    assert len(found) == FEW.count
    assert (found.successes == 0).all()


def test_a_part_without_two_facing_sides_has_no_antipodal_pair(tmp_path: Path) -> None:
    """The sides of a slick tetrahedron are 109 degrees apart, by their normals."""
    corners = 0.03 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    own = hulled(tmp_path, "tetrahedron", corners)
    slick = ObjectModel(own.spec.model_copy(update={"friction": Friction(lateral=0.1)}), tmp_path)
    assert len(candidates(hand("jaw85"), slick, FEW)) == 0
    assert "friction" in why_none(hand("jaw85"), slick)


# What a grasp depends on -------------------------------------------------------------------------


def test_a_digest_changes_with_what_a_grasp_depends_on() -> None:
    own = box(0.03, 0.04, 0.05)
    spec = own.spec
    same = ObjectModel(spec.model_copy(update={"color": (1.0, 0.0, 0.0), "summary": "red"}))
    assert digest(own) == digest(same)
    others = [
        box(0.03, 0.04, 0.0501),
        box(0.03, 0.04, 0.05, mass=0.11),
        ObjectModel(spec.model_copy(update={"friction": Friction(lateral=0.4)})),
        ObjectModel(spec.model_copy(update={"com_m": (0.0, 0.0, 0.01)})),
        ObjectModel(spec.model_copy(update={"collision": box(0.03, 0.04, 0.06).spec.collision})),
    ]
    assert len({digest(other) for other in (own, *others)}) == 6
