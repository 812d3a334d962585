"""The laws of a depth camera's readings: noise over distance, steps, range."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.physics.world import World
from simenv.render.renderer import Frame, Renderer
from simenv.sensor import depth_picture
from simenv.sensor.disparity import smooth_noise
from simenv.spec.load import load_task
from simenv.spec.sensor import DepthSensor
from tests.sensor.build import FX, frame, plane, rng, view, wall

KINECT_V1 = DepthSensor(
    kind="structured_light",
    baseline_m=0.075,
    sigma_d_px=0.0625,
    correlation_px=1.5,
    sigma_angle_m=1e-4,
    disparity_step_px=0.125,
    jitter_px=0.5,
    window_px=7,
    flying=0.1,
    grazing_deg=80,
    min_return=0.02,
    max_luminance=0.95,
    dropout=0.002,
    dropout_px=1.0,
    min_m=0.4,
    max_m=4.0,
)
DISTANCES_M = np.geomspace(0.4, 4.0, 9)


def sensor(**values: object) -> DepthSensor:
    """A projector 75 mm to the right; no shadow."""
    given: dict[str, object] = {"kind": "structured_light", "baseline_m": 0.075, "shadow": False}
    return DepthSensor.model_validate(given | values)


def scene() -> Frame:
    """A box before a slanted wall, and a corner where there is nothing."""
    depth = plane((0.3, 0.2, 1.0), 1.5, view())
    depth[40:80, 60:110] = 0.9
    depth[:20, :30] = 0
    return frame(depth, rng(4).integers(0, 256, (120, 160, 3), dtype=np.uint8))


def spread(z: float, spec: DepthSensor) -> float:
    """Standard deviation of the readings on a wall at ``z``, metres."""
    shown = depth_picture(frame(wall(z, view())), view(), spec, rng(7))
    assert (shown > 0).all()
    return float(shown.std())


def test_a_sensor_without_a_shadow_that_says_nothing_gives_the_clean_depth_bit_for_bit() -> None:
    shown = depth_picture(scene(), view(), sensor(), rng())
    assert np.array_equal(shown, scene().depth_m)


def test_the_same_random_state_gives_the_same_bits_and_another_one_does_not() -> None:
    a, b, c = (depth_picture(scene(), view(), KINECT_V1, rng(s)) for s in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_the_clean_picture_is_not_touched() -> None:
    clean = scene()
    before = clean.rgb.copy(), clean.depth_m.copy()
    for spec in (KINECT_V1, sensor()):
        assert not np.shares_memory(depth_picture(clean, view(), spec, rng()), clean.depth_m)
    assert np.array_equal(before[0], clean.rgb)
    assert np.array_equal(before[1], clean.depth_m)


def test_where_there_is_no_surface_there_is_no_reading() -> None:
    noisy = sensor(sigma_d_px=0.5, disparity_step_px=0.1, sigma_angle_m=1e-3)
    shown = depth_picture(scene(), view(), noisy, rng())
    assert (shown[scene().depth_m == 0] == 0).all()
    assert np.isfinite(shown).all()


@pytest.mark.parametrize("correlation_px", [0.0, 2.0])
def test_depth_noise_grows_with_the_square_of_the_distance(correlation_px: float) -> None:
    spec = sensor(sigma_d_px=0.0625, correlation_px=correlation_px)
    found = np.array([spread(z, spec) for z in DISTANCES_M])
    cited = DISTANCES_M**2 / (FX * 0.075) * 0.0625  # Khoshelham and Elberink 2012, equation 10
    exponent, _ = np.polyfit(np.log(DISTANCES_M), np.log(found), 1)
    assert exponent == pytest.approx(2, abs=0.1)
    assert found == pytest.approx(cited, rel=0.1)


def test_the_noise_of_a_kinect_is_what_was_measured_of_it() -> None:
    # They calibrated m / (f b) = 2.85e-5 per cm and half a step of m = 1/8 px: 1.425 mm at 1 m.
    fx = 0.125 / (0.075 * 2.85e-3)
    seen = view(fx=fx)
    shown = depth_picture(frame(wall(3.0, seen)), seen, sensor(sigma_d_px=0.0625), rng())
    assert shown.std() == pytest.approx(1.425e-3 * 3.0**2, rel=0.1)


def test_depth_noise_of_a_rendered_scene_is_that_of_the_model(tiny: Renderer) -> None:
    task = load_task("bin_pick")
    scene = compose(task, sample(task, 0, 0), seed=0)
    with World() as world:
        snapshot = world.run(scene).snapshots[0]
    seen = snapshot.view(scene.cameras[1])  # oblique: from the tote to the floor
    clean = tiny.render(snapshot, seen)
    shown = depth_picture(clean, seen, sensor(sigma_d_px=0.1), rng())
    z = clean.depth_m[clean.depth_m > 0]
    error = shown[clean.depth_m > 0] - z
    assert z.max() > 2 * z.min()
    cited = z**2 / (seen.K[0, 0] * 0.075) * 0.1
    for low, high in pairwise(np.quantile(z, [0, 0.3, 0.6, 0.9])):
        there = (z > low) & (z < high)
        assert (error / cited)[there].std() == pytest.approx(1, rel=0.02)


def test_smooth_noise_keeps_its_level_and_has_the_correlation_it_says() -> None:
    noise = smooth_noise((400, 400), 2.0, rng())
    assert noise.std() == pytest.approx(1, abs=0.03)
    assert noise[0].std() == pytest.approx(1, abs=0.2)  # the border as the middle
    for apart in (1, 2, 4):
        found = (noise[:, apart:] * noise[:, :-apart]).mean()
        assert found == pytest.approx(np.exp(-(apart**2) / (4 * 2.0**2)), abs=0.04)


def test_slanted_surfaces_are_noisier_as_nguyen_found() -> None:
    seen, angle = view(fx=3000.0), np.radians(70)  # a narrow view: one angle in all of it
    slanted = plane((float(np.sin(angle)), 0.0, float(np.cos(angle))), 2.0, seen)
    spec = sensor(sigma_angle_m=1e-4)
    error = depth_picture(frame(slanted), seen, spec, rng())[:, 78:82] - slanted[:, 78:82]
    cited = 1e-4 / np.sqrt(2.0) * angle**2 / (np.pi / 2 - angle) ** 2
    assert error.std() == pytest.approx(cited, rel=0.1)
    assert spread(1.0, sensor(sigma_angle_m=1e-4)) < 1e-6  # straight on there is none


@given(st.floats(0.3, 6.0), st.sampled_from([1 / 8, 1 / 32]))
def test_readings_lie_on_the_steps_of_the_disparity(z: float, step: float) -> None:
    ramp = np.linspace(z, 1.2 * z, 160, dtype=np.float32)[None, :]
    seen = view(160, 1)
    shown = depth_picture(frame(ramp), seen, sensor(disparity_step_px=step), rng())
    steps = FX * 0.075 / shown / step
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    assert np.abs(FX * 0.075 / shown - FX * 0.075 / ramp).max() <= step * 0.501


def test_a_step_of_the_disparity_is_the_analytic_step_of_the_depth() -> None:
    ramp = np.linspace(1.9, 2.1, 2000, dtype=np.float32)[None, :]
    shown = depth_picture(frame(ramp), view(2000, 1), sensor(disparity_step_px=0.125), rng())
    levels = np.unique(shown)
    assert np.diff(levels) == pytest.approx(2.0**2 / (FX * 0.075) * 0.125, rel=0.12)


def test_only_readings_within_range_are_given() -> None:
    ramp = np.tile(np.linspace(0.2, 5.0, 160, dtype=np.float32), (120, 1))
    shown = depth_picture(frame(ramp), view(), sensor(min_m=0.5, max_m=3.0), rng())
    assert np.array_equal(shown > 0, (ramp >= 0.5) & (ramp <= 3.0))


def test_the_focal_length_of_the_view_counts() -> None:
    wide, narrow = view(fx=300.0), view(fx=600.0)
    spec = sensor(sigma_d_px=0.1)
    a, b = (depth_picture(frame(wall(2.0, v)), v, spec, rng()).std() for v in (wide, narrow))
    assert a / b == pytest.approx(2, rel=0.01)
