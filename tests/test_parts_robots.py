"""The robots of our own: what is shipped is what the generator makes, and it fits together."""

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simenv import mesh, pose
from simenv.parts import ROBOTS, write_robots
from simenv.parts.robot import At, Joint, Link, Robot, Shape, write
from simenv.spec.catalog import content_root
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import Jaw, RobotModel, Vacuum

SHIPPED = content_root() / "robots"
ARMS = ["arm6", "floating", "iiwa", "panda"]
JAWS = ["jaw85", "panda", "wsg50"]
MESHES = [
    (name, link.name)
    for name, builder in sorted(ROBOTS.items())
    for link in builder().links
    if link.surface is not None
]
GAP_M = 3e-4  # between pads against opening_m; the Panda's finger is 0.1 mm thicker than it says
JOIN_M = 3e-3  # between the edges of two links that mate
SNUG_M = 7e-3  # reach of the collision shape against what is seen, along the axes


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All robots of our own, made anew."""
    out = tmp_path_factory.mktemp("robots")
    write_robots(out)
    return out


@pytest.mark.parametrize("name", sorted(ROBOTS))
def test_what_is_shipped_is_what_the_generator_makes(made: Path, name: str) -> None:
    files = sorted(p.name for p in (made / name).iterdir())
    assert files == sorted(p.name for p in (SHIPPED / name).iterdir())
    for file in files:
        assert (made / name / file).read_bytes() == (SHIPPED / name / file).read_bytes(), file


def test_the_folders_that_are_not_generated_name_a_urdf_of_the_engine() -> None:
    others = {p.parent.name for p in SHIPPED.glob("*/robot.yaml")} - set(ROBOTS)
    assert others == {"iiwa", "panda"}
    for name in others:
        assert load_robot(name).spec.urdf.startswith("pybullet_data/")
        assert [p.name for p in (SHIPPED / name).iterdir()] == ["robot.yaml"]


def test_the_robots_are_small_enough_to_ship() -> None:
    assert sum(p.stat().st_size for p in SHIPPED.rglob("*") if p.is_file()) < 3_000_000


@pytest.mark.parametrize(("name", "link"), MESHES)
def test_what_is_seen_is_closed_small_and_smooth(name: str, link: str) -> None:
    surface = next(own.surface for own in ROBOTS[name]().links if own.name == link)
    assert surface is not None
    assert mesh.is_closed(surface)
    assert mesh.signed_volume(surface) > 0
    assert len(surface.faces) <= 3000
    np.testing.assert_allclose(np.linalg.norm(surface.normals, axis=1), 1.0, atol=1e-4)
    a, b, c = np.moveaxis(surface.vertices[surface.faces], 1, 0)
    flat = np.cross(b - a, c - a)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert np.einsum("tij,tj->ti", surface.normals[surface.faces], flat).min() > 0.7
    assert surface.uvs.min() >= 0.0
    assert surface.uvs.max() <= 1.0


@pytest.mark.parametrize("name", sorted(ROBOTS))
def test_inertia_is_that_of_a_body(name: str) -> None:
    for link in ROBOTS[name]().links:
        if not link.mass_kg:
            continue
        com, inertia = link.mass_properties()
        least, middle, most = np.linalg.eigvalsh(inertia)
        assert 0 < least
        assert most < least + middle  # a body that has any thickness
        body = link.surface if link.filled is None else link.filled
        assert body is not None
        assert (np.abs(com - body.center) < body.extents / 2).all()


@pytest.mark.parametrize("name", sorted(ROBOTS))
def test_the_urdf_says_what_the_generator_means(name: str) -> None:
    robot, urdf = ROBOTS[name](), load_robot(name).urdf
    assert urdf.root == robot.links[0].name
    for link in robot.links:
        if link.mass_kg:
            inertial = urdf.link(link.name).inertial
            assert inertial is not None
            assert inertial.mass_kg == pytest.approx(link.mass_kg)
            com, inertia = link.mass_properties()
            np.testing.assert_allclose(inertial.X_LI[:3, 3], com, atol=1e-6)
            np.testing.assert_allclose(inertial.inertia, inertia, atol=1e-9)
    for joint in robot.joints:
        read = urdf.joint(joint.name)
        np.testing.assert_allclose(read.X_PJ, joint.at.X_AB, atol=1e-9)
        if joint.kind != "fixed":
            assert (read.lower, read.upper) == joint.limits
            assert (read.effort, read.velocity) == (joint.effort, joint.velocity)


@pytest.mark.parametrize("name", sorted({*ROBOTS} - {"wsg50"}))  # its guides run inside the body
def test_what_touches_is_where_the_link_is_seen(name: str) -> None:
    for link in load_robot(name).urdf.links:
        assert bool(link.visuals) == bool(link.collisions)
        if link.visuals:
            seen = np.concatenate([shape.surface().vertices for shape in link.visuals])
            touch = np.concatenate([hull for shape in link.collisions for hull in shape.hulls()])
            np.testing.assert_allclose(touch.min(axis=0), seen.min(axis=0), atol=SNUG_M)
            np.testing.assert_allclose(touch.max(axis=0), seen.max(axis=0), atol=SNUG_M)


def at_flange(arm: str) -> tuple[RobotModel, pose.Matrix]:
    """The arm by itself, and X_RF at home."""
    model = load_robot(arm)
    assert model.spec.flange is not None
    frame = model.spec.flange
    return model, model.urdf.poses(model.start())[frame.link] @ frame.X_AB


@pytest.mark.parametrize("name", ARMS)
def test_at_home_the_flange_looks_straight_down_in_front_of_the_base(name: str) -> None:
    model, X_RF = at_flange(name)
    assert X_RF[2, 2] < -np.cos(np.radians(0.1))
    x, y, z = X_RF[:3, 3]
    assert 0.4 <= x <= 0.6
    assert abs(y) < 1e-3
    assert 0.3 <= z <= 0.55  # a gripper hangs below
    for own, joint in zip(model.home, map(model.urdf.joint, model.arm_joints), strict=True):
        assert joint.lower + 0.4 < own < joint.upper - 0.4


def inner_faces(model: RobotModel, opening: float) -> tuple[float, float]:
    """How far the two fingers reach towards each other, as x in G, between their pads' edges."""
    jaw = model.gripper
    assert isinstance(jaw, Jaw)
    X_RL = model.urdf.poses(model.start(opening))
    X_RG = X_RL[jaw.grasp.link] @ jaw.grasp.X_AB
    reach = []
    for pad in jaw.pads:
        hulls = [hull for shape in model.urdf.link(pad).collisions for hull in shape.hulls()]
        x = pose.apply(pose.inverse(X_RG) @ X_RL[pad], np.concatenate(hulls))[:, 0]
        reach.append(float(x.min() if x.mean() > 0 else x.max()))
    return min(reach), max(reach)


@pytest.mark.parametrize("opening", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("name", JAWS)
def test_the_gap_between_the_pads_is_the_opening_and_g_is_midway(name: str, opening: float) -> None:
    model = load_robot(name)
    jaw = model.gripper
    assert isinstance(jaw, Jaw)
    closed, opened = jaw.opening_m
    left, right = inner_faces(model, opening)
    assert right - left == pytest.approx(closed + opening * (opened - closed), abs=GAP_M)
    assert left + right == pytest.approx(0.0, abs=GAP_M)


def finger() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vertices of jaw85's right finger and of its body, in the root's frame, closed."""
    links = {link.name: link.surface for link in ROBOTS["jaw85"]().links}
    right, body = links["right_finger"], links["body"]
    assert right is not None
    assert body is not None
    return right.vertices, body.vertices


def test_a_pad_is_flat_and_22_by_26_mm() -> None:
    face = finger()[0][finger()[0][:, 0] == 0.0]
    assert np.ptp(face[:, 1]) == pytest.approx(0.021, abs=1e-6)  # the edges are bevelled
    assert np.ptp(face[:, 2]) == pytest.approx(0.025, abs=1e-6)
    jaw = load_robot("jaw85").gripper
    assert isinstance(jaw, Jaw)
    assert (face[:, 2].min() + face[:, 2].max()) / 2 == pytest.approx(jaw.grasp.p[2])


def test_a_part_60_mm_tall_fits_under_the_palm() -> None:
    fingers, body = finger()
    assert fingers[:, 2].max() - body[:, 2].max() > 0.060 + 0.010


def test_the_lip_of_the_cup_is_its_end() -> None:
    model = load_robot("cup")
    assert isinstance(model.gripper, Vacuum)
    surface = next(link.surface for link in ROBOTS["cup"]().links if link.name == "cup")
    assert surface is not None
    lip = surface.vertices[surface.vertices[:, 2] == surface.vertices[:, 2].max()]
    assert lip[0, 2] == pytest.approx(model.gripper.grasp.p[2])
    assert np.linalg.norm(lip[:, :2], axis=1).max() == pytest.approx(
        model.gripper.radius_m, abs=1e-6
    )
    assert model.urdf.poses({})["cup"][2, 3] + lip[0, 2] == pytest.approx(0.125)


@pytest.mark.parametrize("q", [(0.0,) * 6, (0.5, -1.0, 1.4, 0.7, -1.2, 2.0)])
def test_the_links_of_arm6_join(q: tuple[float, ...]) -> None:
    model = load_robot("arm6")
    X_RL = model.urdf.poses(dict(zip(model.arm_joints, q, strict=True)))
    placed = [pose.apply(X_RL[name], link.mesh.vertices) for name, link in model.links.items()]
    for one, other in pairwise(placed):
        assert np.min(cKDTree(one).query(other)[0]) < JOIN_M


def test_arm6_is_a_small_robot_for_shared_work() -> None:
    model = load_robot("arm6")
    assert sum(link.mass_kg for link in ROBOTS["arm6"]().links) == pytest.approx(20.0)
    X_RL = model.urdf.poses({})
    axes = [X_RL[link][:3, 3] for link in ("shoulder", "forearm", "wrist_1", "wrist_2")]
    assert np.linalg.norm(axes[1] - axes[0]) == pytest.approx(0.42)
    assert axes[2][2] - axes[1][2] == pytest.approx(0.39)
    assert np.linalg.norm(axes[3] - axes[0]) > 0.85
    joints = [model.urdf.joint(name) for name in model.arm_joints]
    assert [joint.effort for joint in joints] == [150, 150, 150, 28, 28, 28]


def test_neighbours_of_arm6_differ_in_colour() -> None:
    links = ROBOTS["arm6"]().links
    assert all(one.color != other.color for one, other in pairwise(links))


def test_a_robot_is_written_as_urdf(tmp_path: Path) -> None:
    cube = mesh.box((0.1, 0.2, 0.3))
    robot = Robot(
        name="one",
        summary="One joint.",
        links=[
            Link("root"),
            Link("arm", 2.0, filled=cube, touch=[Shape("box", (0.1, 0.2, 0.3))]),
        ],
        joints=[
            Joint(
                "turn",
                "revolute",
                "root",
                "arm",
                At((0.0, 0.0, 0.5), (90.0, 0.0, 0.0)),
                limits=(-1.0, 2.0),
                effort=3.0,
                velocity=4.0,
            )
        ],
        arm={"joints": ["turn"], "home": [0.5]},
        flange=At((0.0, 0.0, 0.1)).on("arm"),
    )
    write(robot, tmp_path / "one")
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == ["one.urdf", "robot.yaml"]
    root = ET.parse(tmp_path / "one/one.urdf").getroot()
    assert [link.get("name") for link in root.findall("link")] == ["root", "arm"]
    model = load_robot(tmp_path / "one")
    inertial = model.urdf.link("arm").inertial
    assert inertial is not None
    expected = 2.0 / 12 * np.diag([0.2**2 + 0.3**2, 0.1**2 + 0.3**2, 0.1**2 + 0.2**2])
    np.testing.assert_allclose(inertial.inertia, expected, atol=1e-9)
    assert model.grasp.X_AB[2, 3] == 0.1


def test_a_link_with_mass_needs_a_body() -> None:
    with pytest.raises(AssertionError, match="link arm has mass and no body"):
        Link("arm", 1.0).mass_properties()
