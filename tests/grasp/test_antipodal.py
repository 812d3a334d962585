"""Two fingers press where geometry lets them: contacts on the part, in both friction cones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from scipy.stats import kstest

from simenv import mesh
from simenv.grasp.antipodal import EDGE_M, antipodal
from simenv.grasp.candidate import Candidates
from simenv.grasp.surface import Surface
from simenv.mesh import Mesh, weld
from simenv.spec.catalog import load_object
from simenv.spec.robot import Jaw
from tests.grasp.build import across, hand, off_surface

FRICTION = 0.4
OFF_M = 5e-5  # of a contact from the surface: Embree's single precision, on slivers edge-on
OBJECTS = ("carton_small", "can", "gear", "hex_bolt", "pipe_elbow", "washer", "hinge", "l_bracket")


def jaw(name: str = "jaw85") -> Jaw:
    own = hand(name).gripper
    assert isinstance(own, Jaw)
    return own


def found(
    surface: Mesh, *, gripper: str = "jaw85", friction: float = FRICTION, count: int = 300,
    seed: int = 0,
) -> Candidates:  # fmt: skip
    return antipodal(
        Surface(surface),
        jaw(gripper),
        friction=friction,
        tip_m=hand(gripper).tip_m,
        count=count,
        seed=seed,
    )


def angles(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) between vectors, exact for small angles, too."""
    sine = np.linalg.norm(np.cross(one, other), axis=-1)
    return np.asarray(np.arctan2(sine, np.einsum("...i,...i->...", one, other)))


@pytest.mark.parametrize("name", OBJECTS)
def test_contacts_are_on_the_part_and_in_both_friction_cones(name: str) -> None:
    surface = load_object(name).mesh
    own = found(surface)
    assert len(own) > 0
    closing = own.contacts_B[:, 1] - own.contacts_B[:, 0]
    cone = np.arctan(FRICTION)
    assert (angles(closing, -own.normals_B[:, 0]) < cone + 1e-6).all()
    assert (angles(closing, own.normals_B[:, 1]) < cone + 1e-6).all()
    some = own.contacts_B[::8].reshape(-1, 3)  # one of each eight is approached from all sides
    assert off_surface(surface, some).max() < OFF_M


@pytest.mark.parametrize("gripper", ["jaw85", "panda", "wsg50"])
@pytest.mark.parametrize("name", ["carton_small", "gear", "pipe_elbow"])
def test_the_gripper_closes_on_its_contacts(name: str, gripper: str) -> None:
    """From G they are left and right, as far apart as the width, and between pads' middle and tips.

    A pair is what it says: x is the line between the contacts, z at right angles to it.
    """
    own = found(load_object(name).mesh, gripper=gripper)
    R = own.X_BG[:, :3, :3]
    np.testing.assert_allclose(R.transpose(0, 2, 1) @ R, np.tile(np.eye(3), (len(R), 1, 1)),
                               atol=1e-9)  # fmt: skip
    np.testing.assert_allclose(np.linalg.det(R), 1.0, atol=1e-9)
    seen = across(own.X_BG, own.contacts_B)
    half = own.width_m / 2
    np.testing.assert_allclose(seen[:, :, 0], np.stack([-half, half], axis=1), atol=1e-9)
    np.testing.assert_allclose(seen[:, :, 1], 0.0, atol=1e-9)
    np.testing.assert_allclose(seen[:, 0, 2], seen[:, 1, 2], atol=1e-9)
    reach = max(0.0, hand(gripper).tip_m - EDGE_M)
    assert (seen[:, :, 2] > -1e-9).all()
    assert (seen[:, :, 2] < reach + 1e-9).all()
    np.testing.assert_array_equal(own.X_BG[:, 3], np.tile([0.0, 0.0, 0.0, 1.0], (len(R), 1)))


@pytest.mark.parametrize("gripper", ["jaw85", "panda", "wsg50"])
@pytest.mark.parametrize("name", OBJECTS)
def test_the_jaw_opens_wider_than_the_part_is_there(name: str, gripper: str) -> None:
    own = found(load_object(name).mesh, gripper=gripper)
    least, most = jaw(gripper).opening_m
    assert (own.width_m > least).all()
    assert (own.opening_m > own.width_m).all()
    assert (own.opening_m <= most).all()


@pytest.mark.parametrize("name", ["washer", "spacer", "pipe_elbow", "l_bracket"])
def test_fingers_come_from_outside(name: str) -> None:
    """Nothing of the part is behind a contact, on the line along which its finger comes."""
    surface = load_object(name).mesh
    own = found(surface)
    x = own.X_BG[:, :3, 0]
    vertices, faces = weld(surface)
    rays: Any = trimesh.Trimesh(vertices, faces, process=False).ray  # has no types
    for contact, outwards in ((own.contacts_B[:, 0], -x), (own.contacts_B[:, 1], x)):
        assert not rays.intersects_any(contact + 1e-5 * outwards, outwards).any()


def test_each_pair_is_approached_from_all_around() -> None:
    """Eight sides, 45 degrees apart, that begin anywhere."""
    own = found(mesh.box((0.05, 0.05, 0.05)))
    first = own.X_BG[:, :3, 2].reshape(-1, 8, 3)
    np.testing.assert_allclose(angles(first, np.roll(first, 1, axis=1)), np.pi / 4, atol=1e-9)
    x = own.X_BG[::8, :3, 0]
    top = np.abs(x[:, 2]) > 0.9  # closing along z: z of the gripper lies in the plane
    turn = np.degrees(np.arctan2(first[top, 0, 1], first[top, 0, 0])) % 45
    assert kstest(turn / 45, "uniform").pvalue > 1e-4


def test_directions_fill_the_cone_evenly_in_solid_angle() -> None:
    """Across a wide plate both angles are one, and all of the cone is inside the part."""
    own = found(mesh.box((0.4, 0.4, 0.004)), friction=0.5, count=4000)
    x = own.X_BG[::8, :3, 0]
    thin = np.abs(x[:, 2]) > 0.5
    least = np.cos(np.arctan(0.5))
    assert thin.sum() > 3000
    assert kstest((np.abs(x[thin, 2]) - least) / (1 - least), "uniform").pvalue > 1e-4


def test_quality_is_what_is_left_of_the_friction_cone() -> None:
    own = found(mesh.cylinder(0.02, 0.08), friction=FRICTION)
    closing = own.X_BG[:, :3, 0]
    worst = np.maximum(angles(closing, -own.normals_B[:, 0]), angles(closing, own.normals_B[:, 1]))
    np.testing.assert_allclose(own.quality, 1 - worst / np.arctan(FRICTION), atol=1e-6)
    assert ((own.quality >= 0) & (own.quality <= 1)).all()


def test_less_friction_leaves_no_place_on_a_wedge() -> None:
    """Two sides 30 degrees apart: a line must be within 15 degrees of both normals."""
    half = np.radians(15)
    wedge = mesh.revolve(
        np.array([[0, 0], [0.03, 0], [0.03 - 0.06 * np.tan(half), 0.06], [0, 0.06]])
    )
    for friction, some in ((np.tan(half) * 0.8, False), (np.tan(half) * 1.5, True)):
        own = found(wedge, friction=friction, count=2000)
        flank = np.abs(own.normals_B[:, :, 2]).max(axis=1) < 0.9  # else: from the top to the bottom
        assert flank.any() == some


def test_a_cuboid_too_wide_in_two_directions_is_held_across_the_third() -> None:
    own = found(mesh.box((0.2, 0.15, 0.05)))
    assert len(own) > 0
    assert (np.abs(own.normals_B[:, :, 2]) > 0.999).all()
    np.testing.assert_allclose(np.abs(own.contacts_B[:, :, 2]), 0.025, atol=OFF_M)


def test_nothing_is_found_on_what_is_wider_than_the_jaw() -> None:
    assert len(found(mesh.box((0.1, 0.12, 0.15)))) == 0
    assert len(found(mesh.sphere(0.05))) == 0


def test_the_seed_decides() -> None:
    surface = mesh.box((0.05, 0.04, 0.03))
    one, same, other = found(surface), found(surface), found(surface, seed=1)
    np.testing.assert_array_equal(one.X_BG, same.X_BG)
    assert not np.array_equal(one.X_BG[:8], other.X_BG[:8])
