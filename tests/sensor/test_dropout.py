"""Why a depth camera finds nothing: too slanted, too dark, blinded, too plain, by chance."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.render.renderer import Frame
from simenv.sensor import depth_picture
from simenv.sensor.slant import cosine
from simenv.spec.sensor import DepthSensor
from tests.sensor.build import frame, linear, plane, rng, view, wall


def found(clean: Frame, kind: str = "structured_light", **values: object) -> NDArray[np.bool_]:
    """Where there is a reading."""
    spec = DepthSensor.model_validate({"kind": kind, "shadow": False, **values})
    height, width = clean.depth_m.shape
    return depth_picture(clean, view(width, height), spec, rng(2)) > 0


def slanted(angle_deg: float) -> Frame:
    """A plane whose normal is ``angle_deg`` off the axis."""
    angle = np.radians(angle_deg)
    return frame(plane((0.0, float(np.sin(angle)), float(np.cos(angle))), 1.0, view()))


@pytest.mark.parametrize("angle_deg", [0.0, 30.0, 60.0, 75.0])
def test_the_slant_of_a_plane_is_found_from_its_depth(angle_deg: float) -> None:
    angle = np.radians(angle_deg)
    v, u = np.mgrid[:120, :160]
    rays = np.dstack([(u - 79.5) / 600, (v - 59.5) / 600, np.ones((120, 160))])
    rays /= np.linalg.norm(rays, axis=2, keepdims=True)
    expected = rays @ [0, np.sin(angle), np.cos(angle)]
    assert cosine(slanted(angle_deg), view()) == pytest.approx(expected, abs=2e-3)


def test_normals_of_the_renderer_say_the_same_as_the_depth() -> None:
    clean = slanted(50.0)
    normal = np.array([0, -np.sin(np.radians(50)), -np.cos(np.radians(50))], np.float32)
    told = replace(clean, normals=np.broadcast_to(normal, (120, 160, 3)).copy())
    assert cosine(told, view()) == pytest.approx(cosine(clean, view()), abs=2e-3)


def test_an_edge_is_not_taken_for_a_slant() -> None:
    depth = wall(1.0, view())
    depth[40:80, 60:100] = 0.5
    depth[:10] = 0
    assert cosine(frame(depth), view()).min() > 0.98


def test_surfaces_at_a_grazing_angle_give_no_reading() -> None:
    assert found(slanted(55.0), grazing_deg=70).all()
    assert not found(slanted(82.0), grazing_deg=70).any()
    middle = found(slanted(70.0), grazing_deg=70)[55:65].mean()
    assert middle == pytest.approx(0.5, abs=0.05)


def test_dark_surfaces_give_no_reading_and_farther_ones_need_to_be_brighter() -> None:
    grays = np.array([20, 60, 100, 140, 180, 220], np.uint8)
    rgb = np.repeat(np.tile(grays.repeat(20)[None, :, None], (120, 1, 1)), 3, axis=2)
    for z in (0.7, 1.0, 1.4):
        clean = frame(np.full((120, 120), z, np.float32), rgb)
        share = found(clean, min_return=0.2).reshape(120, 6, 20).mean(axis=(0, 2))
        back = linear(grays) / z**2
        assert share == pytest.approx(np.clip(back / 0.2 - 0.5, 0, 1), abs=0.05)
    far = frame(np.full((120, 120), 1.4, np.float32), rgb)
    lamps = found(far, kind="stereo", min_return=0.2).reshape(120, 6, 20).mean(axis=(0, 2))
    assert lamps == pytest.approx(np.clip(linear(grays) / 0.2 - 0.5, 0, 1), abs=0.05)


def test_glints_blind_the_pixels() -> None:
    rgb = np.full((120, 160, 3), 128, np.uint8)
    rgb[50:60, 50:60] = 255
    clean = frame(wall(1.0, view()), rgb)
    assert np.array_equal(~found(clean, max_luminance=0.9), rgb[..., 0] == 255)
    assert found(clean).all()


def test_plain_surfaces_cannot_be_matched_by_two_cameras_without_a_pattern() -> None:
    rgb = np.full((120, 160, 3), 128, np.uint8)
    rgb[:, 80:] = rng(1).integers(0, 256, (120, 80, 3))
    there = found(frame(wall(1.0, view()), rgb), kind="stereo", min_contrast=0.1)
    assert not there[:, :70].any()
    assert there[:, 90:].all()


@pytest.mark.parametrize("size_px", [0.0, 1.5])
def test_readings_are_lost_by_chance_in_specks_of_a_size(size_px: float) -> None:
    clean = frame(np.ones((400, 400), np.float32))
    lost = ~found(clean, dropout=0.05, dropout_px=size_px)
    assert lost.mean() == pytest.approx(0.05, rel=0.1)
    beside = (lost[:, 1:] & lost[:, :-1]).sum() / lost.sum()
    assert beside < 0.08 if size_px == 0 else beside > 0.6
