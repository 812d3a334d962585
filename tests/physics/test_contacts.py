"""Contacts are what Newton says: forces balance weights, points lie where the bodies meet."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simenv.physics.world import World
from simenv.scene import Contacts, Scene
from tests.physics.build import at, belt, block, part, scene, table

G = 9.81


def asked(one: Scene) -> Scene:
    """The scene with the label."""
    return replace(one, labels=frozenset({"contacts"}))


def found(world: World, one: Scene) -> Contacts:
    """The contacts of its last frame."""
    outcome = world.run(asked(one))
    assert not outcome.reason
    contacts = outcome.snapshots[-1].contacts
    assert contacts is not None
    return contacts


def pressed(contacts: Contacts, a: int, b: int) -> NDArray[np.float64]:
    """Force (3,) that b exerts on a along the normals, newtons."""
    rows = (contacts.id_a == a) & (contacts.id_b == b)
    return np.asarray((contacts.normal_W * contacts.force_n[:, None])[rows].sum(axis=0))


def test_nothing_is_collected_unless_it_is_asked_for(world: World) -> None:
    outcome = world.run(scene(part(block(0.04, 0.04, 0.04), at(0, 0, 0.021))))
    assert outcome.snapshots[0].contacts is None


def test_the_floor_carries_a_box_at_its_lower_face(world: World) -> None:
    contacts = found(
        world, scene(part(block(0.06, 0.04, 0.02, mass=0.3), at(0, 0, 0.011)), frames=5)
    )
    np.testing.assert_allclose(pressed(contacts, 1, 0), [0, 0, 0.3 * G], rtol=0.02, atol=0.02)
    np.testing.assert_allclose(contacts.p_W[:, 2], 0.0, atol=3e-4)
    assert np.all(np.abs(contacts.p_W[:, :2]) <= [0.031, 0.021])


def test_a_stack_passes_the_weight_on(world: World) -> None:
    low = part(block(0.06, 0.06, 0.03, mass=0.4), at(0, 0, 0.4151))
    high = part(block(0.04, 0.04, 0.03, mass=0.2), at(0, 0, 0.4453))
    contacts = found(world, scene(low, high, table(), frames=5))
    np.testing.assert_allclose(pressed(contacts, 1, 3), [0, 0, 0.6 * G], rtol=0.03, atol=0.03)
    # Of two parts a has the smaller id: here the lower one, which is pressed down.
    np.testing.assert_allclose(pressed(contacts, 1, 2), [0, 0, -0.2 * G], rtol=0.03, atol=0.03)
    between = contacts.id_b == 2
    np.testing.assert_allclose(contacts.p_W[between, 2], 0.43, atol=5e-4)


def test_a_belt_is_one_body_whether_its_plane_or_its_box_carries(world: World) -> None:
    item = part(block(0.06, 0.04, 0.02, mass=0.3), at(0, 0, 0.411))
    contacts = found(world, scene(item, belt(speed_m_s=0.2), frames=3))
    assert set(contacts.id_b.tolist()) == {2}
    np.testing.assert_allclose(pressed(contacts, 1, 2)[2], 0.3 * G, rtol=0.03)


def test_rows_are_sorted_and_normals_are_unit(world: World) -> None:
    items = [part(block(0.04, 0.04, 0.04), at(0.06 * k, 0, 0.021)) for k in range(3)]
    contacts = found(world, scene(*items))
    keys = list(zip(contacts.id_a, contacts.id_b, strict=True))
    assert keys == sorted(keys)
    assert set(keys) == {(1, 0), (2, 0), (3, 0)}
    np.testing.assert_allclose(np.linalg.norm(contacts.normal_W, axis=1), 1.0, atol=1e-9)
