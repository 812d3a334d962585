"""Where the projector, or the second camera, does not see what the camera sees."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.sensor import depth_picture
from simenv.spec.sensor import DepthSensor
from tests.sensor.build import FX, frame, plane, rng, view, wall

NEAR, FAR = 0.6, 0.9  # metres


def lit(baseline_m: float, kind: str = "structured_light") -> DepthSensor:
    return DepthSensor.model_validate({"kind": kind, "baseline_m": baseline_m})


def lost(depth_m: NDArray[np.float32], spec: DepthSensor) -> NDArray[np.bool_]:
    seen = view(depth_m.shape[1], depth_m.shape[0])
    shown = depth_picture(frame(depth_m), seen, spec, rng())
    assert np.array_equal(shown[shown > 0], depth_m[shown > 0])  # the rest stays as it was
    return np.asarray((shown == 0) & (depth_m > 0))


def box(width: int) -> NDArray[np.float32]:
    """A near box, ``width`` columns from column 140 on, before a far wall."""
    depth = wall(FAR, view(320, 40))
    depth[10:30, 140 : 140 + width] = NEAR
    return depth


@pytest.mark.parametrize("baseline_m", [0.02, 0.05, 0.075, -0.03, -0.075])
def test_a_shadow_lies_on_the_side_away_and_is_as_wide_as_geometry_says(baseline_m: float) -> None:
    holes = lost(box(60), lit(baseline_m))
    expected = FX * abs(baseline_m) * (1 / NEAR - 1 / FAR)
    assert abs(holes[20].sum() - expected) <= 1
    columns = np.flatnonzero(holes[20])
    if baseline_m > 0:  # light from the right: shadow on the left
        assert columns[-1] == 139
    else:
        assert columns[0] == 200
    assert np.ptp(columns) == len(columns) - 1  # one piece
    assert not holes[:10].any()
    assert not holes[30:].any()


def test_a_mirrored_scene_has_the_mirrored_shadow() -> None:
    depth = plane((0.4, 0.1, 1.0), 1.2, view(320, 40))
    depth[10:30, 90:130] = NEAR
    right, left = lost(depth, lit(0.06)), lost(depth[:, ::-1].copy(), lit(-0.06))
    assert right.any()
    assert np.array_equal(right, left[:, ::-1])


def test_the_shadow_of_a_thin_pole_is_as_thin_as_the_pole_and_stands_apart() -> None:
    holes = np.flatnonzero(lost(box(4), lit(0.075))[20])
    offset = FX * 0.075 * (1 / NEAR - 1 / FAR)  # 25 columns
    assert abs(len(holes) - 4) <= 1
    assert abs(holes.mean() - (141.5 - offset)) <= 1


def test_a_thing_that_the_projector_sees_wider_has_no_gaps_in_its_shadow() -> None:
    u, d_far, fb = np.arange(320), 5.0, FX * 0.075
    d_near = 60 - 0.8 * (u - 140)  # 1.8 columns of the projector for each of the camera
    near = (u >= 140) & (u < 200)
    depth = np.tile(fb / np.where(near, d_near, d_far), (10, 1)).astype(np.float32)
    holes = np.flatnonzero(lost(depth, lit(0.075))[5])
    assert np.array_equal(holes, np.arange(holes[0], 140))
    assert abs(holes[0] - (140 - 60 + d_far)) <= 1


def test_a_surface_that_only_slants_away_hides_nothing_of_itself() -> None:
    for slope in (-1.5, 0.0, 1.5):
        depth = plane((slope, 0.3, 1.0), 0.8, view(160, 40))
        assert not lost(depth, lit(0.075)).any()


def test_a_surface_that_faces_away_from_the_projector_is_dark() -> None:
    # A ramp so steep that the camera sees it and the projector, 0.4 m to the left, does not.
    x = np.linspace(-79.5, 79.5, 160) / FX
    z = (0.1 + 0.8) / (1 - 3.0 * x)  # points with z - 3 X = 0.9
    depth = np.tile(z.astype(np.float32), (10, 1))
    assert not lost(depth, lit(0.05)).any()
    assert lost(depth, lit(-0.4))[:, 5:-5].all()


def test_the_second_camera_of_a_pair_has_the_same_field_and_no_more() -> None:
    depth = wall(FAR, view(320, 20))
    band = FX * 0.05 / FAR
    for baseline_m in (0.05, -0.05):
        holes = lost(depth, lit(baseline_m, "stereo"))[10]
        assert abs(holes.sum() - band) <= 1
        assert holes[0] if baseline_m > 0 else holes[-1]
    assert not lost(depth, lit(0.05)).any()  # a projector's field is wider


def test_shadow_can_be_left_out() -> None:
    spec = DepthSensor(kind="stereo", shadow=False)
    depth = box(60)
    assert np.array_equal(depth_picture(frame(depth), view(320, 40), spec, rng()), depth)
