"""A trial is physics: Coulomb decides between pads, vacuum and lever arm under a lip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simenv import pose
from simenv.grasp.antipodal import SPARE_M
from simenv.grasp.cell import PROTOCOL, Cell, Trial
from simenv.grasp.model import OUTCOMES
from simenv.grasp.perturb import Deviation, Spread, deviations
from simenv.physics.probe import TOUCH_M
from simenv.pose import Matrix
from simenv.spec.object import Box, Cylinder, ObjectModel, Sphere
from simenv.spec.robot import Jaw, Vacuum
from tests.grasp.build import down, hand, part
from tests.physics.build import hulled

G = 9.81
SIDE_M = 0.05  # of the cube
OPEN_M = SIDE_M + 2 * SPARE_M
SHAKE = PROTOCOL.shake_m_s2
STILL = Spread(0.0, 0.0)  # only friction, mass and force differ


def cube(*, mass: float = 0.1, friction: float = 0.5) -> ObjectModel:
    return part(Box(shape="box", size_m=(SIDE_M,) * 3), mass=mass, friction=friction)


@pytest.fixture(scope="module")
def jaw() -> Iterator[Cell]:
    """A cube of 100 g, friction 0.5."""
    with Cell(hand("jaw85"), cube()) as cell:
        yield cell


def ended(trial: Trial) -> str:
    return OUTCOMES[trial.outcome]


def moved(x: float = 0.0, y: float = 0.0, z: float = 0.0, **factors: float) -> Deviation:
    return Deviation(pose.pose(p_AB=(x, y, z)), **factors)


def pads_force() -> float:
    own = hand("jaw85").gripper
    assert isinstance(own, Jaw)
    return own.force_n


def mass_factor(friction: float, carried: float, acceleration: float) -> float:
    """Of the cube, so that friction carries this many times what it must."""
    return 2 * 0.5 * friction * pads_force() / (carried * acceleration) / 0.1


# Fingers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("friction", [0.3, 1.0])
@pytest.mark.parametrize("force", [0.7, 1.2])
def test_friction_lifts_what_coulomb_says(jaw: Cell, friction: float, force: float) -> None:
    """Both pads carry 2 mu F: lost in the lift if that is less than the weight, and else not."""
    for carried, lifted in ((0.5, False), (0.85, False), (1.1, True)):
        mass = mass_factor(friction * force, carried, G)
        found = ended(jaw.trial(down(), OPEN_M, Deviation(np.eye(4), friction, mass, force)))
        assert (found != "lift") == lifted


@pytest.mark.parametrize("friction", [0.3, 1.0])
def test_friction_holds_what_it_carries_while_shaken(jaw: Cell, friction: float) -> None:
    """Held if 2 mu F > m (g + a); lost in the shake if it hardly carries the weight."""
    for carried, outcome in ((1.05, "held"), (2.0, "held"), (10.0, "held")):
        mass = mass_factor(friction, carried, G + SHAKE)
        assert ended(jaw.trial(down(), OPEN_M, moved(friction=friction, mass=mass))) == outcome
    barely = mass_factor(friction, 1.05, G)
    assert ended(jaw.trial(down(), OPEN_M, moved(friction=friction, mass=barely))) == "shake"


def test_what_holds_once_holds_with_more_friction_less_mass_or_more_force(jaw: Cell) -> None:
    for name, values in (
        ("friction", (0.1, 0.3, 1.0)),
        ("mass", (60.0, 28.0, 10.0)),
        ("force", (0.1, 0.3, 1.0)),
    ):
        others = {"mass": 10.0, "friction": 1.0, "force": 1.0, name: 0.0}
        held = [
            ended(jaw.trial(down(), OPEN_M, moved(**{**others, name: value}))) == "held"
            for value in values
        ]
        assert held == sorted(held)
        assert held[-1]
        assert not held[0]


def test_a_part_without_friction_is_not_lifted(jaw: Cell) -> None:
    assert ended(jaw.trial(down(), OPEN_M, moved(friction=0.0))) in ("missed", "lift")


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_finger_that_comes_down_on_the_part_is_a_collision(jaw: Cell, side: float) -> None:
    """The open fingers have `SPARE_M` to spare, and may touch by `TOUCH_M`."""
    within, beyond = SPARE_M - 3e-4, SPARE_M + TOUCH_M + 3e-4
    assert ended(jaw.trial(down(), OPEN_M, moved(x=side * within))) == "held"
    for offset in (beyond, 0.012, 0.02):
        assert ended(jaw.trial(down(), OPEN_M, moved(x=side * offset))) == "collision"
    assert not jaw.meets(down(), OPEN_M)
    assert jaw.meets(down(x_m=side * beyond), OPEN_M)


def test_a_palm_that_gets_into_the_part_is_a_collision(jaw: Cell) -> None:
    assert ended(jaw.trial(down(), OPEN_M, moved(z=0.08))) == "collision"


@pytest.mark.parametrize(("x", "y", "z"), [(0, 0.06, 0), (0, -0.06, 0), (0, 0, -0.06), (0.2, 0, 0)])
def test_a_gripper_beside_the_part_misses(jaw: Cell, x: float, y: float, z: float) -> None:
    assert ended(jaw.trial(down(), OPEN_M, moved(x, y, z))) == "missed"


def test_fingers_push_the_part_to_their_middle(jaw: Cell) -> None:
    for offset in (0.0, 0.002, -0.004):
        trial = jaw.trial(down(), OPEN_M, moved(x=offset))
        assert ended(trial) == "held"
        assert trial.motion_m == pytest.approx(abs(offset), abs=5e-4)
        assert trial.slip_m < 2e-3
        assert trial.turn_rad < 0.05


def test_only_what_held_has_numbers(jaw: Cell) -> None:
    lost = jaw.trial(down(), OPEN_M, moved(y=0.1))
    assert np.isnan([lost.motion_m, lost.slip_m, lost.turn_rad]).all()
    held = jaw.trial(down(), OPEN_M, Deviation())
    assert np.isfinite([held.motion_m, held.slip_m, held.turn_rad]).all()


def test_a_long_bar_held_at_its_end_turns_in_the_fingers(jaw: Cell) -> None:
    """Pads bear little moment about the closing axis: what hangs straight holds, a lever not."""
    bar = part(Box(shape="box", size_m=(0.02, 0.3, 0.02)), mass=1.0, friction=0.4)
    with Cell(hand("jaw85"), bar) as cell:
        middle = cell.trial(down(), 0.032, Deviation())
        end = cell.trial(down(y_m=0.13), 0.032, Deviation())
    assert ended(middle) == "held"
    assert ended(end) in ("lift", "shake", "rotate")


# A trial by itself -------------------------------------------------------------------------------


def tuples(trials: list[Trial]) -> list[tuple[float, ...]]:
    return [
        (own.outcome, *np.nan_to_num([own.motion_m, own.slip_m, own.turn_rad], nan=-1.0))
        for own in trials
    ]


@pytest.mark.parametrize("gripper", ["jaw85", "cup"])
def test_a_trial_does_not_depend_on_those_before_it(gripper: str) -> None:
    """To the last bit: in a new cell, backwards, after losses, misses and looks at collisions."""
    box = part(Box(shape="box", size_m=(0.05, 0.06, 0.04)), mass=0.3)
    X_BG = down(z_m=0.0 if gripper == "jaw85" else 0.02)
    ways = [*deviations(4, 0), moved(y=0.1), moved(mass=200.0)]
    with Cell(hand(gripper), box) as cell:
        forwards = [cell.trial(X_BG, OPEN_M, way) for way in ways]
        cell.meets(X_BG, OPEN_M)
        backwards = [cell.trial(X_BG, OPEN_M, way) for way in reversed(ways)][::-1]
    with Cell(hand(gripper), box) as cell:
        alone = [cell.trial(X_BG, OPEN_M, ways[2])]
    assert tuples(forwards) == tuples(backwards)
    assert tuples(alone) == tuples(forwards[2:3])
    assert {ended(own) for own in forwards} >= {"held", "missed"}


def test_hulls_and_a_primitive_of_one_shape_are_judged_alike(tmp_path: Path) -> None:
    half = SIDE_M / 2
    corners = np.array([[x, y, z] for x in (-half, half) for y in (-half, half)
                        for z in (-half, half)])  # fmt: skip
    hull = hulled(tmp_path, "cube", corners)
    pieces = hulled(tmp_path, "pieces", *(_slice(corners, k) for k in range(2)))
    ways = [*deviations(4, 1, STILL), moved(y=0.1), moved(x=0.02), moved(mass=100.0)]
    found = []
    for model in (cube(), hull, pieces):
        with Cell(hand("jaw85"), model) as cell:
            found.append([ended(cell.trial(down(), OPEN_M, way)) for way in ways])
    assert found[0] == found[1] == found[2]
    assert found[0] == ["held"] * 4 + ["missed", "collision", "lift"]


def _slice(corners: np.ndarray[tuple[int, int], np.dtype[np.float64]], k: int) -> np.ndarray[
    tuple[int, int], np.dtype[np.float64]
]:  # fmt: skip
    """The lower or the upper half of a box."""
    own = corners.copy()
    own[:, 2] = (own[:, 2] - SIDE_M / 2) / 2 + k * SIDE_M / 2
    return own


# The cup -----------------------------------------------------------------------------------------

PLATE_M = (0.2, 0.2, 0.01)
TOP = down(z_m=PLATE_M[2] / 2)


def cup() -> Vacuum:
    own = hand("cup").gripper
    assert isinstance(own, Vacuum)
    return own


def share_held(model: ObjectModel, X_BG: Matrix, count: int = 20, spread: Spread | None = None
               ) -> float:  # fmt: skip
    ways = deviations(count, 0) if spread is None else deviations(count, 0, spread)
    with Cell(hand("cup"), model) as cell:
        return float(np.mean([cell.trial(X_BG, 0.0, way).outcome == 0 for way in ways]))


@pytest.fixture(scope="module")
def plate() -> Iterator[Cell]:
    """100 g, 200 mm wide, friction 0.5."""
    with Cell(hand("cup"), part(Box(shape="box", size_m=PLATE_M))) as cell:
        yield cell


@pytest.mark.parametrize("force", [0.5, 1.0, 1.2])
def test_a_vacuum_lifts_what_weighs_less_than_its_force(plate: Cell, force: float) -> None:
    for share, lifted in ((0.6, True), (0.95, True), (1.05, False)):
        mass = share * force * cup().force_n / G / 0.1
        assert (ended(plate.trial(TOP, 0.0, moved(mass=mass, force=force))) != "lift") == lifted


def test_a_lip_lets_go_where_the_weight_tips_it(plate: Cell) -> None:
    """The moment m g d of the weight against that of the vacuum about the rim, r (V - m g)."""
    mass = 0.4
    most = cup().radius_m * (cup().force_n - mass * G) / (mass * G)
    for share, lifted in ((0.5, True), (0.9, True), (1.1, False), (2.0, False)):
        trial = plate.trial(TOP, 0.0, moved(x=share * most, mass=mass / 0.1))
        assert (ended(trial) != "lift") == lifted


def test_a_cup_over_an_edge_misses(plate: Cell) -> None:
    """Bullet rounds the edges of a box by a millimetre where rays pass it."""
    radius, half = cup().radius_m, PLATE_M[0] / 2
    assert ended(plate.trial(TOP, 0.0, moved(x=half - 1.1 * radius, mass=0.1))) != "missed"
    assert ended(plate.trial(TOP, 0.0, moved(x=half - 0.7 * radius, mass=0.1))) == "missed"


@pytest.mark.parametrize("off", [-0.03, -0.01, 0.0, 0.003, 0.006, 0.01, 0.03])
def test_a_cup_comes_down_until_it_touches(plate: Cell, off: float) -> None:
    """What is off along its way is made up."""
    assert ended(plate.trial(TOP, 0.0, moved(z=off))) == "held"


@pytest.mark.parametrize("shape", ["sphere", "cylinder"])
def test_the_more_a_part_curves_the_less_often_a_cup_holds_it(shape: str) -> None:
    """All of one mass, borne 14 mm below the lip: a bigger part would have a longer lever."""
    found = []
    for radius in (0.08, 0.04, 0.025, 0.018, 0.014):
        round_ = (
            Sphere(shape="sphere", radius_m=radius)
            if shape == "sphere"
            else Cylinder(shape="cylinder", radius_m=radius, length_m=0.1)
        )
        out, com = down(z_m=radius), (0.0, 0.0, radius - 0.014)
        if shape == "cylinder":  # its side
            turn = pose.from_rpy_deg((0.0, 90.0, 0.0))
            out, com = turn @ out, (radius - 0.014, 0.0, 0.0)
        found.append(share_held(part(round_, mass=0.1, com=com), out))
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.8
    assert found[-1] == 0.0


@pytest.mark.parametrize("mass", [0.3, 0.45, 0.6])
def test_the_longer_the_lever_arm_the_less_often_a_cup_holds(mass: float) -> None:
    model = part(Box(shape="box", size_m=PLATE_M), mass=mass)
    found = [share_held(model, down(arm, 0.0, PLATE_M[2] / 2)) for arm in (0.0, 0.02, 0.04, 0.08)]
    assert found == sorted(found, reverse=True)
    assert found[0] >= 0.4
    assert found[-1] == 0.0


def test_the_protocol_can_be_easier() -> None:
    """Without the shake a part is held that the shake tears off."""
    gentle = replace(PROTOCOL, shake_m_s2=0.0)
    heavy = moved(mass=mass_factor(1.0, 1.1, G))
    for protocol, outcome in ((PROTOCOL, "shake"), (gentle, "held")):
        with Cell(hand("jaw85"), cube(), protocol) as cell:
            assert ended(cell.trial(down(), OPEN_M, heavy)) == outcome
