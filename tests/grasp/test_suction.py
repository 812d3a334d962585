"""A lip seals on what is flat; a cup is best where the weight pulls straight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simenv import mesh
from simenv.grasp.candidate import Candidates
from simenv.grasp.suction import seal_quality, suction
from simenv.grasp.surface import Surface
from simenv.mesh import Mesh
from simenv.spec.catalog import load_object
from simenv.spec.robot import Vacuum
from tests.grasp.build import hand, off_surface

RADII_M = (0.2, 0.08, 0.04, 0.025, 0.018, 0.014)
FINE = 192  # sides of what is round
FACET = 0.02  # of the quality: what facets add or take


def cup() -> Vacuum:
    own = hand("cup").gripper
    assert isinstance(own, Vacuum)
    return own


def seal(surface: Mesh, points: NDArray[np.float64], normals: NDArray[np.float64]
         ) -> NDArray[np.float64]:  # fmt: skip
    return seal_quality(Surface(surface), points, normals, cup().radius_m, cup().gap_m)


def at_top(x_m: object, z_m: float, y_m: float = 0.0) -> tuple[NDArray[np.float64], ...]:
    """Points along x on a level surface, with its normals."""
    x = np.atleast_1d(np.asarray(x_m, dtype=np.float64))
    points = np.column_stack([x, np.full_like(x, y_m), np.full_like(x, z_m)])
    return points, np.tile([0.0, 0.0, 1.0], (len(x), 1))


def sagitta(radius_m: float) -> float:
    """How far a surface of this radius falls from the middle of the lip to its rim."""
    inside = radius_m**2 - cup().radius_m ** 2
    return radius_m - float(np.sqrt(inside))


def places(
    surface: Mesh, *, mass_kg: float = 0.1, com: tuple[float, float, float] = (0.0, 0.0, 0.0),
    count: int = 500, seed: int = 0,
) -> Candidates:  # fmt: skip
    return suction(
        Surface(surface), cup(), com=np.array(com), mass_kg=mass_kg, count=count, seed=seed
    )


# The lip -----------------------------------------------------------------------------------------


def test_a_flat_face_seals_wholly_wherever_the_lip_is_on_it() -> None:
    inside = np.linspace(-0.04, 0.04, 9)
    np.testing.assert_allclose(seal(mesh.box((0.1, 0.1, 0.02)), *at_top(inside, 0.01)), 1.0,
                               atol=1e-4)  # fmt: skip


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_lip_over_an_edge_seals_nothing(side: float) -> None:
    radius = cup().radius_m
    surface = mesh.box((0.1, 0.1, 0.02))
    over = side * (0.05 - radius * np.array([0.95, 0.5, 0.01]))
    within = side * (0.05 - radius * np.array([1.05, 1.5]))
    assert (seal(surface, *at_top(over, 0.01)) == 0.0).all()
    assert (seal(surface, *at_top(within, 0.01)) > 0.999).all()


def test_a_lip_over_a_hole_seals_nothing() -> None:
    """A ring with a hole of 10 mm in radius, wide enough for the lip beside it."""
    profile = [[0.01, -0.003], [0.05, -0.003], [0.05, 0.003], [0.01, 0.003], [0.01, -0.003]]
    ring = mesh.revolve(np.array(profile), FINE)
    beside = np.array([0.021, 0.03, 0.039])
    over = np.array([0.0105, 0.013, 0.018, 0.041, 0.049])
    assert (seal(ring, *at_top(beside, 0.003)) > 0.999).all()
    assert (seal(ring, *at_top(over, 0.003)) == 0.0).all()


@pytest.mark.parametrize("name", ["washer", "spacer", "gear"])
def test_parts_narrower_than_the_lip_have_no_place(name: str) -> None:
    assert len(places(load_object(name).mesh, count=1000)) == 0


@pytest.mark.parametrize("shape", ["sphere", "cylinder"])
def test_the_seal_is_worse_the_more_a_surface_curves(shape: str) -> None:
    """By how far it falls from middle to rim, of the gap under the lip."""
    found = []
    for radius in RADII_M:
        surface = (
            mesh.sphere(radius, FINE) if shape == "sphere" else mesh.cylinder(radius, 0.2, FINE)
        )
        z = np.array([[radius, 0.0, 0.0]])  # a vertex of the sphere, a line of the cylinder
        (quality,) = seal(surface, z, np.array([[1.0, 0.0, 0.0]]))
        assert quality == pytest.approx(max(0.0, 1 - sagitta(radius) / cup().gap_m), abs=FACET)
        found.append(quality)
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9
    assert found[-1] == 0.0


@given(st.floats(0, 2 * np.pi), st.floats(-0.03, 0.03))
@settings(max_examples=25, deadline=None)
def test_where_on_a_cylinder_does_not_matter(turn: float, z_m: float) -> None:
    radius = 0.04
    out = np.array([[np.cos(turn), np.sin(turn), 0.0]])
    own = mesh.cylinder(radius, 0.1, 384)
    (quality,) = seal(own, radius * out + [0.0, 0.0, z_m], out)
    assert quality == pytest.approx(1 - sagitta(radius) / cup().gap_m, abs=FACET)


def test_a_dent_leaks_as_a_bump_does() -> None:
    """The inside of a bowl rises to the rim by as much as a ball falls."""
    radius = 0.08
    bowl = mesh.sphere(radius, FINE)
    inside = Mesh(bowl.vertices, -bowl.normals, bowl.uvs, bowl.faces[:, ::-1])
    point = np.array([[radius, 0.0, 0.0]])
    (quality,) = seal(inside, point, np.array([[-1.0, 0.0, 0.0]]))
    assert quality == pytest.approx(1 - sagitta(radius) / cup().gap_m, abs=FACET)


# Places ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["carton_small", "l_bracket", "tee_fitting", "can"])
def test_a_cup_stands_square_on_the_surface(name: str) -> None:
    surface = load_object(name).mesh
    own = places(surface)
    R = own.X_BG[:, :3, :3]
    assert len(own) > 0
    np.testing.assert_allclose(R.transpose(0, 2, 1) @ R, np.tile(np.eye(3), (len(R), 1, 1)),
                               atol=1e-9)  # fmt: skip
    np.testing.assert_allclose(np.linalg.det(R), 1.0, atol=1e-9)
    np.testing.assert_allclose(R[:, :, 2], -own.normals_B[:, 0], atol=1e-9)
    np.testing.assert_array_equal(own.X_BG[:, :3, 3], own.contacts_B[:, 0])
    assert off_surface(surface, own.contacts_B[:, 0]).max() < 1e-6
    assert own.contacts_B.shape == (len(own), 1, 3)
    assert (own.width_m == 0).all()
    assert (own.opening_m == 0).all()
    assert ((own.quality >= 0) & (own.quality <= 1)).all()


def test_quality_falls_with_the_lever_arm_of_the_weight() -> None:
    """And is zero where the weight's moment tips the lip over its edge."""
    mass = 0.5
    own = places(mesh.box((0.2, 0.2, 0.01)), mass_kg=mass)
    flat = np.abs(own.normals_B[:, 0, 2]) > 0.9
    arm = np.linalg.norm(own.contacts_B[flat, 0, :2], axis=1)
    weight = mass * 9.81
    wanted = 1 - weight * arm / (cup().radius_m * (cup().force_n - weight))
    np.testing.assert_allclose(own.quality[flat], np.clip(wanted, 0, 1), atol=1e-3)
    assert (own.quality[flat][arm > 0.03] == 0).all()


def test_the_best_place_is_over_the_centre_of_mass_wherever_that_is() -> None:
    own = places(mesh.box((0.2, 0.2, 0.01)), mass_kg=0.5, com=(0.05, -0.03, 0.0), count=2000)
    best = own.contacts_B[np.argmax(own.quality), 0, :2]
    np.testing.assert_allclose(best, (0.05, -0.03), atol=0.01)


def test_a_part_heavier_than_the_vacuum_has_no_good_place() -> None:
    own = places(mesh.box((0.2, 0.2, 0.01)), mass_kg=1.1 * cup().force_n / 9.81)
    assert len(own) > 0
    assert own.quality.max() < 1e-6


def test_the_seed_decides() -> None:
    surface = mesh.box((0.05, 0.04, 0.03))
    one, same, other = places(surface), places(surface), places(surface, seed=1)
    np.testing.assert_array_equal(one.X_BG, same.X_BG)
    assert not np.array_equal(one.X_BG[:8], other.X_BG[:8])
