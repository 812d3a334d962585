"""Points on a surface are even in area; rays meet what geometry says they meet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import mesh
from simenv.grasp.surface import Surface, perpendicular, unit
from simenv.mesh import Mesh

SIZE_M = (0.1, 0.06, 0.02)
COUNT = 40_000
FINE = 192  # sides of a round mesh
MOST_CHI2 = 30.0  # of 5 degrees of freedom: once in 70,000 seeds


def box() -> Surface:
    return Surface(mesh.box(SIZE_M))


def slab(starts: NDArray[np.float64], along: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) where lines enter and leave the box (Kay and Kajiya 1986); NaN where they miss."""
    half = np.array(SIZE_M) / 2
    ends = np.stack([(-half - starts) / along, (half - starts) / along])
    near, far = ends.min(axis=0).max(axis=1), ends.max(axis=0).min(axis=1)
    met = (near <= far) & (far > 0)
    return np.where(met[:, None], np.column_stack([near, far]), np.nan)


def random_rays(count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From a shell around the box, roughly towards it."""
    rng = np.random.default_rng(seed)
    starts = 0.3 * unit(rng.normal(size=(count, 3)))
    return starts, unit(rng.uniform(-0.06, 0.06, (count, 3)) - starts)


# Samples -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_each_face_of_a_box_gets_points_by_its_area(seed: int) -> None:
    points, normals = box().sample(COUNT, np.random.default_rng(seed))
    x, y, z = SIZE_M
    areas = np.repeat([y * z, x * z, x * y], 2)
    wanted = COUNT * areas / areas.sum()
    axis = np.argmax(np.abs(normals), axis=1)
    face = 2 * axis + (normals[np.arange(COUNT), axis] > 0)
    counts = np.bincount(face, minlength=6)
    assert ((counts - wanted) ** 2 / wanted).sum() < MOST_CHI2
    np.testing.assert_allclose(
        points[np.arange(COUNT), axis] * normals[np.arange(COUNT), axis],
        np.array(SIZE_M)[axis] / 2,
        atol=1e-12,
    )


def test_points_are_even_within_a_face() -> None:
    """Not towards its corners, nor along the edge between its two triangles."""
    points, normals = box().sample(COUNT, np.random.default_rng(2))
    top = points[normals[:, 2] > 0.5, :2] / np.array(SIZE_M[:2]) + 0.5
    counts, *_ = np.histogram2d(top[:, 0], top[:, 1], bins=4, range=[(0, 1), (0, 1)])
    wanted = len(top) / 16
    assert ((counts - wanted) ** 2 / wanted).sum() < 50.0  # of 15: once in 80,000 seeds


def test_triangles_without_area_get_no_points_and_normals_are_units() -> None:
    surface = mesh.sphere(0.03)  # has slivers at its poles
    cut = Surface(surface)
    np.testing.assert_allclose(np.linalg.norm(cut.normals, axis=1), 1.0, atol=1e-12)
    points, normals = cut.sample(1000, np.random.default_rng(0))
    assert np.isfinite(points).all()
    assert (np.einsum("ij,ij->i", points, normals) > 0).all()  # outwards


def test_the_same_seed_gives_the_same_points() -> None:
    one, _ = box().sample(50, np.random.default_rng(7))
    same, _ = box().sample(50, np.random.default_rng(7))
    other, _ = box().sample(50, np.random.default_rng(8))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


# Rays --------------------------------------------------------------------------------------------


def test_rays_enter_and_leave_a_box_where_the_slabs_say() -> None:
    starts, along = random_rays(3000, 0)
    wanted = slab(starts, along)
    near, entered = box().first(starts, along)
    far, left = box().last(starts, along)
    # An edge that is hit to a millionth of a metre may count as missed.
    grazing = np.nan_to_num(wanted[:, 1] - wanted[:, 0]) < 1e-5
    np.testing.assert_allclose(near[~grazing], wanted[~grazing, 0], atol=2e-7)
    np.testing.assert_allclose(far[~grazing], wanted[~grazing, 1], atol=2e-7)
    assert (np.isfinite(near)).sum() > 1000
    hit = np.isfinite(near)
    assert (np.einsum("ij,ij->i", entered[hit], along[hit]) < 0).all()
    assert (np.einsum("ij,ij->i", left[hit], along[hit]) > 0).all()


def test_rays_to_a_sphere_meet_it_where_the_quadratic_says() -> None:
    radius = 0.04
    surface = Surface(mesh.sphere(radius, FINE))
    rng = np.random.default_rng(3)
    starts = 0.2 * unit(rng.normal(size=(1500, 3)))
    along = unit(0.6 * radius * unit(rng.normal(size=(1500, 3))) - starts)
    middle = -np.einsum("ij,ij->i", starts, along)
    off2 = np.einsum("ij,ij->i", starts, starts) - middle**2
    half = np.sqrt(radius**2 - off2)
    sagitta = radius * (1 - np.cos(np.pi / FINE)) * 2  # of the facets, in both directions
    slant = radius / np.sqrt(radius**2 - off2)
    near, _ = surface.first(starts, along)
    far, _ = surface.last(starts, along)
    assert (np.abs(near - (middle - half)) < 1.1 * sagitta * slant + 1e-7).all()
    assert (np.abs(far - (middle + half)) < 1.1 * sagitta * slant + 1e-7).all()


def test_the_last_surface_on_a_ray_is_that_behind_all_holes() -> None:
    """A ray through three plates one after the other."""
    plates = [mesh.box((0.05, 0.05, 0.004)).moved(_up(z)) for z in (0.0, 0.02, 0.05)]
    surface = Surface(mesh.join(*plates))
    start, up = np.array([[0.003, 0.002, -0.1]]), np.array([[0.0, 0.0, 1.0]])
    assert surface.first(start, up)[0][0] == pytest.approx(0.098, abs=1e-7)
    assert surface.last(start, up)[0][0] == pytest.approx(0.152, abs=1e-7)


def test_a_ray_into_the_void_is_nan_without_a_normal() -> None:
    starts, up = np.array([[0.0, 0.0, 0.1], [0.3, 0.0, 0.0]]), np.tile([0.0, 0.0, 1.0], (2, 1))
    for look in (box().first, box().last):
        distance, normal = look(starts, up)
        assert np.isnan(distance).all()
        assert (normal == 0.0).all()
        none, no_normal = look(np.zeros((0, 3)), np.zeros((0, 3)))
        assert none.shape == (0,)
        assert no_normal.shape == (0, 3)


@pytest.mark.parametrize(
    "surface", [mesh.box(SIZE_M), mesh.sphere(0.03), mesh.cylinder(0.02, 0.05)]
)
def test_a_ray_outwards_from_a_convex_part_does_not_meet_where_it_starts(surface: Mesh) -> None:
    own = Surface(surface)
    points, normals = own.sample(1000, np.random.default_rng(4))
    assert np.isnan(own.first(points, normals)[0]).all()
    assert np.isfinite(own.last(points, -normals)[0]).all()


def test_a_ray_from_a_face_inwards_measures_the_thickness() -> None:
    points, normals = box().sample(500, np.random.default_rng(5))
    width, across = box().last(points, -normals)
    axis = np.argmax(np.abs(normals), axis=1)
    np.testing.assert_allclose(width, np.array(SIZE_M)[axis], atol=1e-7)
    np.testing.assert_allclose(across, -normals, atol=1e-12)


def _up(z: float) -> NDArray[np.float64]:
    X = np.eye(4)
    X[2, 3] = z
    return X


# Vectors -----------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_perpendicular_is_a_unit_at_right_angles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit(np.concatenate([rng.normal(size=(20, 3)), np.eye(3), -np.eye(3)]))
    across = perpendicular(vectors)
    np.testing.assert_allclose(np.linalg.norm(across, axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(np.einsum("ij,ij->i", across, vectors), 0.0, atol=1e-12)
