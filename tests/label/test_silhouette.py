"""Silhouettes against analytic outlines, point-in-triangle tests and rays through bent lenses."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.label.optics import reach
from simenv.label.outline import Outline
from simenv.label.silhouette import silhouettes
from simenv.label.spans import Spans
from simenv.mesh import Mesh
from simenv.scene import View
from tests.label.bent import BARREL, CUSHION, FOLDING, RATIONAL, rays_of

WIDTH, HEIGHT = 96, 64
K = np.array([[90.0, 3.0, 44.0], [0.0, 85.0, 35.0], [0.0, 0.0, 1.0]])
VIEW = View("camera", WIDTH, HEIGHT, K, np.eye(4))
ROWS, COLUMNS = np.mgrid[-HEIGHT : 2 * HEIGHT, -WIDTH : 2 * WIDTH]


def alone(surface: Mesh, X_CB: pose.Matrix) -> Spans:
    """The silhouette of one body."""
    return silhouettes([Outline.of(surface)], X_CB[None], VIEW)


def canvas(found: Spans) -> NDArray[np.bool_]:
    """The three-by-three canvas, painted interval by interval."""
    mask = np.zeros(ROWS.shape, dtype=bool)
    for row, left, right in zip(found.row, found.left, found.right, strict=True):
        assert not mask[row + HEIGHT, left + WIDTH : right + WIDTH + 1].any()  # disjoint
        mask[row + HEIGHT, left + WIDTH : right + WIDTH + 1] = True
    return mask


def covered_by_triangles(surface: Mesh, X_CB: pose.Matrix) -> NDArray[np.bool_]:
    """Every pixel centre tested against every projected triangle."""
    points = pose.apply(X_CB, surface.vertices)
    pixels = ((points / points[:, 2:]) @ K.T)[:, :2]
    mask = np.zeros(ROWS.shape, dtype=bool)
    for a, b, c in pixels[surface.faces]:
        sides = [
            (q[0] - p[0]) * (ROWS - p[1]) - (q[1] - p[1]) * (COLUMNS - p[0])
            for p, q in ((a, b), (b, c), (c, a))
        ]
        mask |= np.all([side >= 0 for side in sides], axis=0)
        mask |= np.all([side <= 0 for side in sides], axis=0)
    return mask


def without(surface: Mesh, *, every: int) -> Mesh:
    """The surface without some of its faces."""
    kept = surface.faces[np.arange(len(surface.faces)) % every > 0]
    return replace(surface, faces=kept)


ASKEW = pose.from_rpy_deg((11.0, 23.0, 37.0), (0.013, 0.007, 0.0))  # no edge along a row of pixels
TORUS_PROFILE = np.array([[0.06, -0.01], [0.08, -0.01], [0.08, 0.01], [0.06, 0.01], [0.06, -0.01]])
SURFACES = {
    "box": mesh.box((0.2, 0.1, 0.05)),
    "ring": mesh.revolve(TORUS_PROFILE, 24),
    "two shells": mesh.join(
        mesh.sphere(0.05, 12), mesh.box((0.1, 0.1, 0.1)).moved(pose.pose(p_AB=(0.04, 0, 0)))
    ),
    "open": mesh.quad(0.2, 0.1),
    "ball without a cap": without(mesh.sphere(0.1, 10), every=7).moved(ASKEW),
    "three sheets on one edge": Mesh(
        np.array(
            [(0, 0, 0), (0.1, 0, 0), (0, 0.1, 0), (0, 0, 0.1), (0, -0.08, -0.05)], dtype=float
        ),
        np.tile([0.0, 0.0, 1.0], (5, 1)),
        np.zeros((5, 2)),
        np.array([(0, 1, 2), (0, 1, 3), (1, 0, 4)], dtype=np.int32),
    ).moved(ASKEW),
}


@pytest.mark.parametrize("name", SURFACES)
@settings(max_examples=25, deadline=None)
@given(
    rpy_deg=st.tuples(*[st.floats(-180, 180)] * 3),
    p=st.tuples(st.floats(-0.4, 0.4), st.floats(-0.3, 0.3), st.floats(0.4, 1.5)),
)
def test_covers_the_pixels_whose_centres_lie_in_a_triangle(
    name: str, rpy_deg: tuple[float, float, float], p: tuple[float, float, float]
) -> None:
    X_CB = pose.from_rpy_deg(rpy_deg, p)
    found = alone(SURFACES[name], X_CB)
    expected = covered_by_triangles(SURFACES[name], X_CB)
    # A centre exactly on an edge may go either way; floats put at most a few there.
    assert np.count_nonzero(canvas(found) != expected) <= 2
    assert found.px[0] == canvas(found).sum()


def test_a_sphere_covers_the_rays_that_hit_it() -> None:
    p_CB = np.array([0.1, -0.05, 0.8])
    rays = np.stack([COLUMNS, ROWS, np.ones_like(ROWS)], axis=-1) @ np.linalg.inv(K).T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    along = rays @ p_CB
    hit = p_CB @ p_CB - along**2 < 0.2**2
    found = alone(mesh.sphere(0.2, 256), pose.pose(p_AB=p_CB))
    assert found.px[0] == pytest.approx(hit.sum(), rel=0.002)


def test_boxes_and_masks_agree_with_the_intervals() -> None:
    X_CB = np.stack([pose.pose(p_AB=(0.0, 0.0, 0.5)), pose.pose(p_AB=(0.35, 0.0, 0.5))])
    found = silhouettes([Outline.of(SURFACES["box"])] * 2, X_CB, VIEW)
    for index in range(2):
        chosen = found.body == index
        x, y, width, height = found.boxes[index]
        assert (x, y) == (found.left[chosen].min(), found.row[chosen].min())
        assert (x + width - 1, y + height - 1) == (
            found.right[chosen].max(),
            found.row[chosen].max(),
        )
    assert found.mask(0, WIDTH, HEIGHT).sum() == found.px[0]  # wholly inside
    assert 0 < found.mask(1, WIDTH, HEIGHT).sum() < found.px[1]  # cut by the right border


def test_what_is_behind_the_camera_covers_nothing() -> None:
    found = alone(SURFACES["box"], pose.pose(p_AB=(0.0, 0.0, -0.5)))
    assert found.px[0] == 0
    assert found.boxes[0].tolist() == [-1, -1, -1, -1]


def test_a_floor_that_passes_under_the_camera_is_cut_at_the_camera() -> None:
    floor = pose.from_rpy_deg((90, 0, 0), (0, 0.5, 0))  # half a metre below, to both sides of z = 0
    found = canvas(alone(mesh.quad(50, 50), floor))
    horizon = K[1, 2]
    assert found[ROWS > horizon + 3].all()
    assert not found[ROWS < horizon].any()


LENSES = {"barrel": BARREL, "cushion": CUSHION, "rational": RATIONAL}
WIDE = np.array([[200.0, 0.0, 156.0], [0.0, 195.0, 122.0], [0.0, 0.0, 1.0]])
BODIES = {
    "box": (mesh.box((0.2, 0.1, 0.05)), 0.3),
    "long box": (mesh.box((0.9, 0.02, 0.02)), 0.5),  # few and long edges bend most
    "ring": (mesh.revolve(TORUS_PROFILE, 24), 0.2),
    "open": (mesh.quad(0.3, 0.2), 0.3),
    "wall around the camera": (mesh.box((6.0, 0.4, 6.0)), 0.5),  # goes on behind it
}


def through(distortion: NDArray[np.float64]) -> View:
    """A wide view through a lens."""
    return View("camera", 320, 240, WIDE, np.eye(4), distortion=distortion)


def hit(surface: Mesh, X_CB: pose.Matrix, rays: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether rays (H, W, 3) go through a triangle, from whichever side, before the camera."""
    mask = np.zeros(rays.shape[:2], dtype=bool)
    for a, b, c in pose.apply(X_CB, surface.vertices)[surface.faces]:
        sides = rays @ np.stack([np.cross(a, b), np.cross(b, c), np.cross(c, a)], axis=1)
        volume = a @ np.cross(b, c)  # over the sum of the sides: z of the hit
        mask |= ((sides * np.sign(volume)) >= 0).all(axis=2) & (volume != 0)
    return mask


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("name", BODIES)
def test_a_bent_silhouette_is_where_bent_rays_hit(name: str, lens: str) -> None:
    surface, depth = BODIES[name]
    view = through(LENSES[lens])
    rays = rays_of(view)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        p = (*rng.uniform(-0.35, 0.35, 2) * depth, depth)
        X_CB = pose.from_quaternion(rng.normal(size=4), p)
        if name.startswith("wall"):
            X_CB = pose.from_rpy_deg(rng.uniform(-10, 10, 3).tolist(), (0.0, 0.5, 0.0))
        found = silhouettes([Outline.of(surface)], X_CB[None], view).mask(0, 320, 240)
        expected = hit(surface, X_CB, rays)
        both = np.sum(found & expected)
        assert both > 300
        assert both >= 0.999 * np.sum(found | expected) or np.sum(found != expected) <= 1


def test_a_bent_edge_stays_within_a_hundredth_of_a_pixel_of_the_polyline() -> None:
    """The far edge of a large box seen from above, along its whole length."""
    view = through(BARREL)
    box = mesh.box((4.0, 1.0, 0.1))
    found = silhouettes([Outline.of(box)], pose.pose(p_AB=(0.1, 0.9, 1.0))[None], view)
    x = np.linspace(-1.9, 2.1, 40001)
    edge = np.column_stack([x, np.full_like(x, 0.4), np.full_like(x, 1.05)])
    u, v = cv2.projectPoints(edge, np.zeros(3), np.zeros(3), WIDE, BARREL)[0].reshape(-1, 2).T
    columns = np.arange(320)
    top = np.interp(columns, u, v)
    clear = np.abs(top - np.rint(top)) > 0.012  # else which row is first may hang on a hundredth
    first = np.argmax(found.mask(0, 320, 240), axis=0)
    assert clear.sum() > 250
    assert np.array_equal(first[clear], np.ceil(top[clear]))


def test_nothing_beyond_the_reach_of_a_lens_comes_back_into_the_picture() -> None:
    """R (1 - 0.4 r^2) is largest at r = 0.91 and mirrors what lies at 1.7 into the image."""
    view = through(FOLDING)
    assert reach(FOLDING) == pytest.approx(np.sqrt(1 / 1.2))
    far = pose.pose(p_AB=(1.7, 0.2, 1.0))
    folded = cv2.projectPoints(far[:3, 3], np.zeros(3), np.zeros(3), WIDE, FOLDING)[0].ravel()
    assert (np.abs(folded - (160, 120)) < (160, 120)).all()
    small = silhouettes([Outline.of(mesh.box((0.2, 0.1, 0.05)))], far[None], view)
    assert small.px[0] <= 2  # drawn in to the circle of reach, nothing is left but rounding


def test_a_wall_larger_than_the_reach_fills_the_circle_of_reach() -> None:
    K = np.array([[150.0, 0.0, 160.0], [0.0, 150.0, 120.0], [0.0, 0.0, 1.0]])
    view = View("camera", 320, 240, K, np.eye(4), distortion=FOLDING)
    limit = np.sqrt(1 / 1.2)
    radius = 150 * limit * (1 - 0.4 * limit**2)
    v, u = np.mgrid[:240, :320]
    off = np.hypot(u - 160, v - 120)
    wall = silhouettes([Outline.of(mesh.box((9, 9, 0.1)))], pose.pose(p_AB=(0, 0, 1.0))[None], view)
    found = wall.mask(0, 320, 240)
    assert found[off < radius - 0.2].all()
    assert not found[off > radius + 0.2].any()
    half = silhouettes(
        [Outline.of(mesh.box((9, 9, 0.1)))], pose.pose(p_AB=(4.5, 0, 1.0))[None], view
    )
    found = half.mask(0, 320, 240)
    assert np.array_equal(found & (off < radius - 1), (u >= 160) & (off < radius - 1))
