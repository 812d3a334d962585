"""An outline is what lies outermost of a mask, one ring an island."""

import cv2
import numpy as np
import pytest

from simenv.view.outline import rings


def test_a_rectangle_has_four_corners_on_its_outermost_pixels() -> None:
    mask = np.zeros((40, 50), dtype=bool)
    mask[10:20, 5:45] = True
    (ring,) = rings(mask)
    assert sorted(map(tuple, ring)) == [(5, 10), (5, 19), (44, 10), (44, 19)]


def test_islands_have_rings_and_holes_have_none() -> None:
    mask = np.zeros((60, 120), dtype=np.uint8)
    cv2.circle(mask, (30, 30), 20, 1, 6)  # a nut
    cv2.circle(mask, (90, 30), 15, 1, -1)
    found = sorted(rings(mask.astype(bool)), key=lambda ring: ring[:, 0].min())
    assert len(found) == 2
    for ring, center, radius in zip(found, (30, 90), (23, 15), strict=True):
        away = np.linalg.norm(ring - (center, 30), axis=1)
        assert away == pytest.approx(radius, abs=1.2)
    assert not rings(np.zeros((4, 4), dtype=bool))
