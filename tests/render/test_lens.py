"""A picture through a lens that bends: every pixel shows what OpenCV's ray for it meets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import lens as optics
from simenv import pose
from simenv.render import lens
from simenv.render.raster import RasterRenderer
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Snapshot, View
from tests.render.build import (
    Thing,
    at,
    ball,
    block,
    can,
    digest,
    ground,
    intrinsics,
    looking,
    snapshot,
)
from tests.render.judge import Truth, cast, iou, rays_of

Array = NDArray[np.float64]

LENSES = {
    "webcam": [-0.28, 0.07, 0.0005, -0.0003, 0.0, 0.0, 0.0, 0.0],
    "pincushion": [0.3, 0.1, 0.001, 0.002, 0.05, 0.0, 0.0, 0.0],
    "barrel": [-0.31, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    "rational": [3.0, 1.5, 0.0002, -0.0004, 0.1, 3.3, 2.2, 0.4],
}
K = intrinsics(310, 302, 155.3, 122.7)
FLOAT32_M = 3e-5  # TinyRenderer's depth is a float32 close to 1, good to this


@pytest.fixture(params=list(LENSES))
def distortion(request: pytest.FixtureRequest) -> Array:
    """Coefficients, from everyday to odd."""
    return np.array(LENSES[request.param])


@pytest.fixture(scope="module")
def raster() -> Iterator[Renderer]:
    """The renderer that has all channels."""
    with RasterRenderer() as renderer:
        yield renderer


def pile() -> Snapshot:
    """Six parts that hide each other, on the ground."""
    rng = np.random.default_rng(3)
    models = [ball(0.05), can(0.03, 0.1), block(0.1, 0.06, 0.04), can(0.05, 0.02)]
    places = [(0.09 * (row % 3) - 0.1, 0.1 * (row // 3), 0.07) for row in range(6)]
    things = [
        Thing(models[row % 4], pose.from_quaternion(rng.normal(size=4), place))
        for row, place in enumerate(places)
    ]
    return snapshot(*things, ground())


def onto_pile(distortion: Array | None, scale: float = 1.0) -> View:
    """A camera that has the pile all over its picture."""
    matrix = np.diag([scale, scale, 1.0]) @ K
    size = (round(320 * scale), round(240 * scale))
    view = looking((-0.08, -0.22, 0.36), (0.0, 0.05, 0.06), matrix, size=size)
    return replace(view, distortion=distortion)


def test_every_pixel_shows_what_its_own_ray_meets(renderer: Renderer, distortion: Array) -> None:
    shown, view = pile(), onto_pile(distortion)
    frame, truth = lens.shoot(renderer, shown, view), _truth(tuple(distortion.tolist()))
    for body in range(1, 7):
        mask, true_mask = frame.instance == body, truth.instance == body
        assert true_mask.sum() > 500
        assert iou(mask, true_mask) >= 0.998, f"body {body}, {true_mask.sum()} px"
        error = np.abs(frame.depth_m - truth.depth_m)[mask & true_mask]
        assert np.median(error) <= 5e-5
        assert np.quantile(error, 0.99) <= 3e-4  # unseen creases; a jump would be centimetres
    assert np.sum(frame.instance != np.maximum(truth.instance, 0)) <= 10
    assert ((frame.depth_m > 0) == (truth.depth_m > 0)).all()


@cache
def _truth(distortion: tuple[float, ...]) -> Truth:
    return cast(pile(), onto_pile(np.array(distortion)))


def test_the_edges_of_a_plate_are_where_opencv_projects_them(
    renderer: Renderer, distortion: Array
) -> None:
    view = replace(looking((0, 0, 1), (0, 0, 0), K, size=(320, 240)), distortion=distortion)
    X_CB = pose.from_rpy_deg((0.0, 0.0, 12.0), (-0.02, 0.03, 0.8))
    plate = Thing(block(0.5, 0.34, 0.01), view.X_WC @ X_CB)
    mask = lens.shoot(renderer, snapshot(plate), view).instance == 1
    outline = _projected_outline(X_CB, view)
    area, middle = _moments(outline)
    length = np.linalg.norm(np.diff(outline, axis=0), axis=1).sum()
    assert mask.sum() > 5000
    assert abs(mask.sum() - area) / length < 0.02  # mean shift of the edge, pixels
    v, u = np.nonzero(mask)
    assert np.abs(np.array([u.mean(), v.mean()]) - middle).max() < 0.02


def _projected_outline(X_CB: Array, view: View) -> Array:
    """The border of the plate's near face, closed, in pixels (N, 2)."""
    t = np.linspace(-1, 1, 400, endpoint=False)[:, None]
    one = np.ones_like(t)
    sides = [(t, -one), (one, t), (-t, one), (-one, -t)]
    face = np.concatenate([np.hstack(side) for side in sides]) * (0.25, 0.17)
    points = pose.apply(X_CB, np.column_stack([face, np.full(len(face), -0.005)]))
    uv, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), view.K, view.distortion)
    return np.concatenate([uv[:, 0], uv[:1, 0]])


def _moments(outline: Array) -> tuple[float, Array]:
    """Area and centroid (2,) of a closed polygon."""
    a, b = outline[:-1], outline[1:]
    twice = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    area = twice.sum() / 2
    return abs(float(area)), ((a + b) * twice[:, None]).sum(axis=0) / (6 * area)


def test_the_outline_of_a_ball_is_its_bent_tangent_cone(
    renderer: Renderer, distortion: Array
) -> None:
    view = replace(looking((0, 0, 1), (0, 0, 0), K, size=(320, 240)), distortion=distortion)
    p_CB, radius = np.array([-0.2, 0.12, 0.7]), 0.1
    thing = Thing(ball(radius), view.X_WC @ pose.pose(None, p_CB))
    mask = lens.shoot(renderer, snapshot(thing), view).instance == 1
    rays = rays_of(view)
    expected = (rays @ p_CB) ** 2 > (p_CB @ p_CB - radius**2) * (rays**2).sum(axis=2)
    assert expected.sum() > 2000
    # The mesh is inside the ball: its outline has up to 0.7 % less area than the cone.
    assert mask.sum() == pytest.approx(expected.sum(), rel=0.008)
    assert np.argwhere(mask).mean(axis=0) == pytest.approx(
        np.argwhere(expected).mean(axis=0), abs=0.1
    )
    assert not (mask & ~expected).any()


def test_depth_is_exact_on_planes(renderer: Renderer, distortion: Array) -> None:
    view = replace(looking((0, 0, 1.2), (0, 0, 0), K, size=(320, 240)), distortion=distortion)
    X_WB = at(0.1, 0, -0.25, 20, 35, 10)
    frame = lens.shoot(renderer, snapshot(Thing(block(9, 9, 0.1), X_WB)), view)
    X_CB = pose.inverse(view.X_WC) @ X_WB
    normal, point = X_CB[:3, 2], X_CB[:3, 3] + 0.05 * X_CB[:3, 2]
    z = (normal @ point) / (rays_of(view) @ normal)
    near, far = frame.near_far_m
    quantum = float(z.max()) ** 2 * (far - near) / (far * near) / 2**16
    assert np.abs(frame.depth_m - z).max() < quantum + FLOAT32_M


def test_opencv_undistorts_the_picture_to_the_pinholes(renderer: Renderer) -> None:
    """Colours, too: a textured floor, and nothing of it moved by a tenth of a pixel."""
    shown, distortion = snapshot(ground("checker")), np.array(LENSES["webcam"])
    bent = lens.shoot(renderer, shown, onto_pile(distortion, 2.0)).rgb
    straight = renderer.render(shown, onto_pile(None, 2.0)).rgb
    matrix = onto_pile(None, 2.0).K
    undone = cv2.undistort(bent, matrix, distortion)
    inner = (slice(40, -40), slice(40, -40))
    a, b = (cv2.GaussianBlur(picture, (0, 0), 2.0)[inner] for picture in (undone, straight))
    gray, gray_b = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(np.float64) for p in (a, b))
    shift, _ = cv2.phaseCorrelate(gray, gray_b)
    assert np.abs(shift).max() < 0.1
    assert np.abs(a.astype(float) - b).mean() < 1.0  # grey levels
    assert np.ptp(straight.mean(axis=2)) > 30


def test_a_view_without_distortion_is_the_renderers_own_picture(renderer: Renderer) -> None:
    shown = pile()
    plain, bent = onto_pile(None), onto_pile(np.array(LENSES["webcam"]))
    own = digest(renderer.render(shown, plain))
    assert digest(lens.shoot(renderer, shown, plain)) == own
    first, second, third = lens.begin(renderer, shown, [plain, bent, plain])()
    assert digest(first) == digest(third) == own
    assert digest(second) == digest(lens.shoot(renderer, shown, bent))


def test_a_lens_that_hardly_bends_changes_hardly_anything(renderer: Renderer) -> None:
    shown, view = pile(), onto_pile(np.array([1e-12, 0, 0, 0, 0, 0, 0, 0]))
    bent, plain = lens.shoot(renderer, shown, view), renderer.render(shown, onto_pile(None))
    assert np.sum(bent.instance != plain.instance) <= 10
    same = bent.instance == plain.instance
    assert np.median(np.abs(bent.depth_m - plain.depth_m)[same]) < FLOAT32_M
    assert np.quantile(np.abs(bent.rgb.astype(int) - plain.rgb), 0.9) <= 2


def test_clipping_planes_of_the_camera_hold_at_edges_too(renderer: Renderer) -> None:
    shown = pile()
    view = replace(onto_pile(np.array(LENSES["webcam"])), near_m=0.3, far_m=0.4)
    frame = lens.shoot(renderer, shown, view)
    assert frame.near_far_m == (0.3, 0.4)
    seen = frame.depth_m[frame.depth_m > 0]
    assert 0.3 - 1e-4 < seen.min() < 0.31
    assert 0.39 < seen.max() < 0.4 + 1e-4
    assert (frame.instance[frame.depth_m == 0] == 0).all()


def test_where_nothing_is_there_is_nothing(renderer: Renderer) -> None:
    empty = snapshot(backdrop=(0.2, 0.4, 0.6))
    frame = lens.shoot(renderer, empty, onto_pile(np.array(LENSES["webcam"])))
    assert not frame.depth_m.any()
    assert not frame.instance.any()
    assert (frame.rgb == frame.rgb[0, 0]).all()


def test_normals_and_coordinates_are_those_of_the_surface(
    raster: Renderer, distortion: Array
) -> None:
    view = replace(looking((0, 0, 0.6), (0, 0, 0), K, size=(320, 240)), distortion=distortion)
    X_WB = at(0.02, -0.01, 0, 25, -30, 15)
    shown = snapshot(Thing(ball(0.08), at(0.2, 0.1, 0)), Thing(block(0.2, 0.15, 0.1), X_WB))
    frame = lens.shoot(raster, shown, view, ("normals", "coordinates"))
    assert frame.normals is not None
    assert frame.coordinates is not None
    p_C = rays_of(view) * frame.depth_m[..., None]
    box, sphere = frame.instance == 2, frame.instance == 1
    X_BC = pose.inverse(pose.inverse(view.X_WC) @ X_WB)
    assert np.abs(pose.apply(X_BC, p_C[box]) - frame.coordinates[box]).max() < 5e-4
    surface = np.abs(frame.coordinates[box]) / (0.1, 0.075, 0.05)
    assert surface.max(axis=1) == pytest.approx(1.0, abs=5e-3)
    facing = frame.normals[box] @ X_BC[:3, :3].T
    assert np.quantile(np.abs(facing).max(axis=1), 0.01) > 0.999  # one of the box's axes
    outwards = frame.coordinates[sphere] / 0.08
    R_BC = view.X_WC[:3, :3]
    assert np.median(np.abs(frame.normals[sphere] @ R_BC.T - outwards)) < 0.01
    assert np.linalg.norm(frame.normals[frame.instance > 0], axis=1) == pytest.approx(1, abs=1e-5)
    _is_zero_elsewhere(frame)


def _is_zero_elsewhere(frame: Frame) -> None:
    assert frame.normals is not None
    assert frame.coordinates is not None
    assert not frame.normals[frame.depth_m == 0].any()
    assert not frame.coordinates[frame.instance == 0].any()


def test_the_pinhole_picture_is_no_larger_than_it_must_be() -> None:
    """What the lens costs is known: this much of a picture more, and no finer one."""
    pixels = {}
    for name, row in LENSES.items():
        wide = optics.pinhole(320, 240, K, np.array(row))
        pixels[name] = wide.width * wide.height / (320 * 240)
    assert pixels["webcam"] < 1.5
    assert max(pixels.values()) < 2.6
