"""Gaps between convex pieces, and how far one slides: against boxes that can be reckoned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import hull, mesh
from simenv.compose.rest import rests
from simenv.spec.object import Box, Cylinder, ObjectModel, ObjectSpec

BOX = mesh.box((0.08, 0.05, 0.03)).vertices
CORNER_TO_CORNER = (0.1, 0.08, 0.07)  # an offset: apart by (20, 30, 40) mm


def moved(x: float, y: float, z: float) -> NDArray[np.float64]:
    """The box elsewhere."""
    return np.asarray(BOX + np.array([x, y, z]))


def model(shape: Box | Cylinder) -> ObjectModel:
    """An object of one primitive."""
    spec = ObjectSpec(name="one", class_="one", mesh=(shape,), collision=(shape,), mass_kg=0.1)
    return ObjectModel(spec)


@settings(deadline=None)  # the first call imports scipy.optimize
@given(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1))
def test_the_gap_of_two_boxes_is_that_of_their_sides(x: float, y: float, z: float) -> None:
    apart = np.maximum(np.abs([x, y, z]) - (0.08, 0.05, 0.03), 0.0)
    assert hull.gap([BOX], [moved(x, y, z)], beyond=1.0) == pytest.approx(
        np.linalg.norm(apart), abs=1e-6
    )


def test_what_is_beyond_is_not_looked_at() -> None:
    assert hull.gap([BOX], [moved(*CORNER_TO_CORNER)], beyond=0.03) == np.inf


@settings(deadline=None)
@given(st.floats(0.0, 2 * np.pi))
def test_a_box_that_slid_along_touches_and_any_nearer_one_overlaps(angle: float) -> None:
    way = np.array([np.cos(angle), np.sin(angle), 0.0])
    t = hull.slide([BOX], [BOX], way)
    expected = min(0.08 / max(abs(way[0]), 1e-9), 0.05 / max(abs(way[1]), 1e-9))
    assert t == pytest.approx(expected, rel=1e-6)
    assert hull.gap([BOX], [BOX + way * (t + 0.001)], beyond=1.0) > 1e-4


def test_of_many_pieces_the_last_to_leave_counts() -> None:
    pieces = [BOX, moved(0.2, 0.0, 0.0)]
    assert hull.slide(pieces, [BOX], np.array([1.0, 0.0, 0.0])) == pytest.approx(0.28)


def test_a_box_lies_in_six_ways_the_flat_ones_are_the_steadiest() -> None:
    own = rests(model(Box(shape="box", size_m=(0.08, 0.05, 0.03))))
    assert [round(rest.com_W[2], 4) for rest in own] == [0.015, 0.015, 0.025, 0.025, 0.04, 0.04]
    tips = [np.degrees(np.arctan2(0.025, 0.015)), np.degrees(np.arctan2(0.015, 0.04))]
    assert [own[0].tip_deg, own[-1].tip_deg] == pytest.approx(tips)
    assert own[0].top_m == pytest.approx(0.025)


def test_a_rest_stands_on_the_plane_and_its_weight_is_inside() -> None:
    one = model(Cylinder(shape="cylinder", radius_m=0.03, length_m=0.06))
    for rest in rests(one):
        z = (one.mesh.vertices @ rest.R_WB.T)[:, 2] + rest.bottom_m
        assert z.min() == pytest.approx(0.0, abs=1e-9)
        assert np.linalg.det(rest.R_WB) == pytest.approx(1.0)
        assert rest.margin_m > 0
    assert {round(rest.up) for rest in rests(one)[:2]} == {1, -1}
