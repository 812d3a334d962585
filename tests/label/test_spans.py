"""Spans against analytic outlines and against a point-in-triangle test of every pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from simenv import mesh, pose
from simenv.label.outline import Outline
from simenv.label.silhouette import silhouettes
from simenv.label.spans import Spans, mask_spans
from simenv.mesh import Mesh
from simenv.scene import View

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


TORUS_PROFILE = np.array([[0.06, -0.01], [0.08, -0.01], [0.08, 0.01], [0.06, 0.01], [0.06, -0.01]])
SURFACES = {
    "box": mesh.box((0.2, 0.1, 0.05)),
    "ring": mesh.revolve(TORUS_PROFILE, 24),
    "two shells": mesh.join(
        mesh.sphere(0.05, 12), mesh.box((0.1, 0.1, 0.1)).moved(pose.pose(p_AB=(0.04, 0, 0)))
    ),
    "open": mesh.quad(0.2, 0.1),
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


@given(
    mask=arrays(np.uint16, (7, 9), elements=st.integers(0, 5)),
    ids=st.lists(st.integers(1, 6), unique=True),
)
def test_mask_spans_count_and_box_the_pixels_of_each_id(
    mask: NDArray[np.uint16], ids: list[int]
) -> None:
    found = mask_spans(mask, np.array(ids, dtype=np.int64))
    boxes = found.boxes
    for index, body_id in enumerate(ids):
        rows, columns = np.nonzero(mask == body_id)
        assert found.px[index] == len(rows)
        assert np.array_equal(found.mask(index, 9, 7), mask == body_id)
        expected = [-1, -1, -1, -1]
        if len(rows):
            x, y = columns.min(), rows.min()
            expected = [x, y, columns.max() - x + 1, rows.max() - y + 1]
        assert boxes[index].tolist() == expected
