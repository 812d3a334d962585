"""What robot.yaml and the robot of a task may say; and what is made of a URDF's links."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from simenv import pose
from simenv.errors import InputError
from simenv.pose import Matrix
from simenv.spec import catalog
from simenv.spec.load import task_from_text
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import LEAST_INERTIA, LEAST_KG, RobotModel

URDF = """<robot name="two">
  <link name="base"/><link name="upper"/><link name="hand"/><link name="left"/><link name="right"/>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/>
    <limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
  <joint name="elbow" type="revolute"><parent link="upper"/><child link="hand"/>
    <limit lower="0" upper="2" effort="1" velocity="1"/></joint>
  <joint name="left_joint" type="prismatic"><parent link="hand"/><child link="left"/>
    <limit lower="0" upper="0.04" effort="1" velocity="1"/></joint>
  <joint name="right_joint" type="prismatic"><parent link="hand"/><child link="right"/>
    <limit lower="0" upper="0.04" effort="1" velocity="1"/></joint>
</robot>
"""
ARM = "arm:\n  joints: [shoulder, elbow]\n  home: [0.0, 1.0]\n"
FLANGE = "flange: {link: hand}\n"
JOINTS = "  joints: {left_joint: [0, 0.04], right_joint: [0, 0.04]}\n"
JAW = f"""gripper:
  kind: jaw
  grasp: {{link: hand, p: [0, 0, 0.1]}}
{JOINTS}  opening_m: [0, 0.08]
  force_n: 10
  pads: [left, right]
"""
YAML = f"""format: simenv-robot-1
name: two
urdf: two.urdf
{ARM}{FLANGE}{JAW}friction:
  left: {{lateral: 1.0}}
"""
CUP = "gripper: {kind: vacuum, grasp: {link: hand}, radius_m: 0.01, force_n: 1}\n"


def write(root: Path, yaml: str, urdf: str = URDF) -> Path:
    """A folder `two` with the robot."""
    folder = root / "two"
    folder.mkdir()
    (folder / "two.urdf").write_text(urdf)
    (folder / "robot.yaml").write_text(yaml)
    return folder


# fmt: off
WRONG = [  # what is replaced in robot.yaml, by what, and what is said
    ("{link: hand}\n", "{link: hamd}\n",
     "7:16: flange.link: the URDF has no link hamd; did you mean hand?"),
    ("grasp: {link: hand", "grasp: {link: wrist",
     "10:17: gripper.grasp.link: the URDF has no link wrist; did you mean right?"),
    ("pads: [left, right]", "pads: [left, rihgt]",
     "14:16: gripper.pads.1: the URDF has no link rihgt; did you mean right?"),
    ("pads: [left, right]", "pads: []",
     "14:9: gripper.pads: is empty; name the links that touch a part"),
    ("  left: {lateral", "  lift: {lateral",
     "16:9: friction.lift: the URDF has no link lift; did you mean left?"),
    ("[shoulder, elbow]", "[shoulder, elbwo]",
     "5:22: arm.joints.1: the URDF has no joint elbwo that moves; did you mean elbow?"),
    ("[shoulder, elbow]", "[]",
     "5:11: arm.joints: must be a list, each text, got []; write for example [my_name]"),
    (ARM, ARM.replace("shoulder, elbow", "elbow, shoulder").replace("0.0", "1.0"),
     "5:11: arm.joints: must be those from the base to hand, in that order; "
     "write [shoulder, elbow]"),
    (ARM, "arm:\n  joints: [shoulder, shoulder]\n  home: [0.0, 0.0]\n",
     "5:11: arm.joints: must be those from the base to hand, in that order; write [shoulder]"),
    (ARM, "arm:\n  joints: [left_joint]\n  home: [0.0]\n",
     "5:11: arm.joints: must be those from the base to hand, in that order; "
     "none of these moves it"),
    ("[0.0, 1.0]", "[0.0, 3.0]",
     "6:15: arm.home.1: 3 is outside the limits 0 to 2 of elbow; choose one inside"),
    ("[0.0, 1.0]", "[0.0]", "6:9: arm.home: has 1 numbers for 2 joints; give one for each"),
    ("[0.0, 1.0]", "[0.0, 1.0]\n  speed: [1]",
     "7:10: arm.speed: has 1 numbers for 2 joints; give one for each"),
    ("[0.0, 1.0]", "[0.0, 1.0]\n  speed: [1, 0]",
     "7:14: arm.speed.1: must be a number above 0, got 0; write for example 1.0"),
    (JOINTS, "  joints: {}\n", "11:11: gripper.joints: is empty; name the joint of each finger"),
    (JOINTS, "", "8:1: gripper.joints: is missing; add it, for example `joints: {}`"),
    ("left_joint: [0, 0.04]", "left_joint: [0.04, 0.04]",
     "11:24: gripper.joints.left_joint: does not move; closed and open are equal"),
    ("right_joint: [0, 0.04]", "right_joint: [0, 0.05]",
     "11:52: gripper.joints.right_joint.1: 0.05 is outside the limits 0 to 0.04 of right_joint; "
     "choose one inside"),
    ("right_joint: [0, 0.04]", "rigth_joint: [0, 0.04]",
     "11:35: gripper.joints.rigth_joint: the URDF has no joint rigth_joint that moves; "
     "did you mean right_joint?"),
    ("opening_m: [0, 0.08]", "opening_m: [0.08, 0.0]",
     "12:14: gripper.opening_m: closed is not below open; swap the two"),
    ("kind: jaw", "kind: jwa",
     "9:9: gripper.kind: must be jaw or vacuum, got jwa; write for example jaw"),
    ("urdf: two.urdf", "urdf: tow.urdf", "3:7: urdf: no file tow.urdf; did you mean two.urdf?"),
    ("urdf: two.urdf", "urdf: ../two/two.urdf",
     "3:7: urdf: ../two/two.urdf leaves the folder of the robot; copy the file into it"),
    ("urdf: two.urdf", "urdf: pybullet_data/franka_panda/pandda.urdf",
     "3:7: urdf: no file pybullet_data/franka_panda/pandda.urdf; did you mean panda.urdf?"),
    ("name: two", "name: tow",
     "2:7: name: must be the folder's name two, got tow; rename one of them"),
    (ARM + FLANGE + JAW, "", "1:1: has neither arm nor gripper; describe one of them"),
    (FLANGE + JAW, "",
     "1:1: an arm without a gripper needs a flange to mount one on; add it"),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_a_wrong_robot_is_told_where_and_what(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in YAML
    folder = write(tmp_path, YAML.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_robot(folder)
    assert str(caught.value) == f"{folder}/robot.yaml:{said}"


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = YAML.replace("[0.0, 1.0]", "[2.0, 3.0]").replace("[left, right]", "[left, rigth]")
    folder = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_robot(folder)
    places = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert places == ["arm.home.0", "arm.home.1", "gripper.pads.1"]


def test_a_joint_without_speed_needs_one_in_the_file(tmp_path: Path) -> None:
    folder = write(tmp_path, YAML, URDF.replace('velocity="1"', "", 1))
    with pytest.raises(InputError) as caught:
        load_robot(folder)
    text = "arm.joints.0: the URDF gives shoulder no velocity limit; add arm.speed"
    assert str(caught.value) == f"{folder}/robot.yaml:5:12: {text}"
    (folder / "robot.yaml").write_text(YAML.replace("1.0]\n", "1.0]\n  speed: [0.3, 0.4]\n", 1))
    np.testing.assert_array_equal(load_robot(folder).speed, (0.3, 0.4))


def test_a_broken_urdf_is_told_at_its_name(tmp_path: Path) -> None:
    folder = write(tmp_path, YAML, "<robot>")
    with pytest.raises(InputError) as caught:
        load_robot(folder)
    text = "two.urdf: line 1: is no XML: no element found; mend the file"
    assert str(caught.value) == f"{folder}/robot.yaml:3:7: urdf: {text}"


ROBOTS = catalog.content_root() / "robots"
# fmt: off
UNFIT = [  # an arm, what is mounted on it, and what is said
    ("cup", "jaw85", "robots/cup/robot.yaml:1:1: has no flange to mount jaw85 on; "
     "name an arm in use, and this as its gripper"),
    ("arm6", "iiwa", "robots/iiwa/robot.yaml:1:1: is no gripper: it has no gripper section"),
    ("arm6", "jaw58", "no robot jaw58; did you mean jaw85?"),
    ("pandda", None, "no robot pandda; did you mean panda?"),
]
# fmt: on


@pytest.mark.parametrize(("arm", "gripper", "said"), UNFIT)
def test_what_cannot_be_mounted_is_told(arm: str, gripper: str | None, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load_robot(arm, gripper)
    assert str(caught.value).removeprefix(f"{catalog.content_root()}/") == said


def test_an_arm_with_its_own_gripper_may_have_no_flange(tmp_path: Path) -> None:
    folder = write(tmp_path, YAML.replace(FLANGE, ""))
    assert load_robot(folder).grasp.link == "hand"
    with pytest.raises(InputError) as caught:
        load_robot(folder, "cup")
    text = "has no flange to mount cup on; add its flange"
    assert str(caught.value) == f"{folder}/robot.yaml:1:1: {text}"


# The robot of a task -----------------------------------------------------------------------------

TASK = (catalog.content_root() / "tasks" / "table_pick.yaml").read_text()
USE = "  robot: {use: panda, X_WR: {p: [-0.60, 0.0, 0.0]}}\n"
SUCCESS = "success:\n  carried: {actors: parts, zone: air, height_m: [0.08, 0.28]"
# fmt: off
IN_TASK = [  # what is replaced in the task, by what, and what is said
    ("use: panda,", "use: pandda,", "use: pandda",
     "scene.robot.use: no robot pandda; did you mean panda?"),
    ("use: panda,", "use: panda, gripper: jaw58,", "gripper: jaw58",
     "scene.robot.gripper: no robot jaw58; did you mean jaw85?"),
    ("use: panda,", "use: arm6,", "kind: ee_delta",
     "env.control: arm6 has no gripper to drive; mount one with scene.robot.gripper"),
    (USE, "", "id: simenv/",
     "env: needs scene.robot; add for example `robot: {use: panda}`"),
    ("success:", "success: {}\nno:", "success:",
     "success: must have exactly one of carried, pushed, placed, sorted, stacked, got none; "
     "keep one"),
    ("zone: air, height", "zone: iar, height", "zone: iar",
     "success.carried.zone: no zone iar; did you mean air?"),
    ("carried: {actors: parts", "carried: {actors: prats", "actors: prats",
     "success.carried.actors: no group prats; did you mean parts?"),
    ("success:", "success:\n  stacked: {actors: parts}", "success:",
     "success: must have exactly one of carried, pushed, placed, sorted, stacked, got carried and "
     "stacked; keep one"),
    ("use: panda,", "use: panda, home: [0, 0, 0],", "home: [0",
     "scene.robot.home: has 3 numbers for 7 joints; give one for each"),
    ("  max_steps", "  camera: fornt\n  max_steps", "camera: fornt",
     "env.camera: no camera fornt; did you mean front?"),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "place", "said"), IN_TASK)
def test_a_task_is_told_what_is_wrong_with_its_robot_and_what_it_is_to_do(
    old: str, new: str, place: str, said: str
) -> None:
    assert TASK.count(old) == 1
    text = TASK.replace(old, new)
    with pytest.raises(InputError) as caught:
        task_from_text(text)
    lines = str(caught.value).splitlines()
    (line,) = [own for own in lines if own.endswith(said)]
    before = text[: text.index(place)]
    row = before.count("\n") + 1
    assert line.startswith(f"task:{row}:")
    assert line.split(": ", 1)[1] == said


def test_an_environment_needs_success() -> None:
    start, end = TASK.index("success:"), TASK.index("env:")
    with pytest.raises(InputError, match=r"env: needs success; say what the agent is to reach"):
        task_from_text(TASK[:start] + TASK[end:])


# Pieces ------------------------------------------------------------------------------------------

PAIRS = [("panda", None), ("iiwa", "wsg50"), ("arm6", "jaw85"), ("arm6", "cup"), ("cup", None)]


def numbers(element: ET.Element | None, key: str) -> NDArray[np.float64]:
    text = None if element is None else element.get(key)
    return np.array((text or "0 0 0").split(), dtype=np.float64)


def origin(element: ET.Element) -> Matrix:
    own = element.find("origin")
    R = Rotation.from_euler("xyz", numbers(own, "rpy")).as_matrix()
    return pose.pose(R, numbers(own, "xyz"))


def masses(path: Path) -> list[tuple[str, float, Matrix, NDArray[np.float64]]]:
    """Name, mass, X_LI and inertia of each link; not read by simenv."""
    found = []
    for link in ET.parse(path).getroot().findall("link"):
        own = link.find("inertial")
        if own is not None:
            mass, tensor = own.find("mass"), own.find("inertia")
            assert mass is not None
            assert tensor is not None
            xx, xy, xz, yy, yz, zz = (
                float(tensor.get(f"i{key}") or 0) for key in ("xx", "xy", "xz", "yy", "yz", "zz")
            )
            inertia = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
            mass_kg = float(str(mass.get("value")))
            found.append((str(link.get("name")), mass_kg, origin(own), inertia))
    # KUKA's base has moments but no mass; it does not move. A welded link's moments count.
    return [row for row in found if row[1] > 0 or row[0] != "lbr_iiwa_link_0"]


def file_of(name: str) -> Path:
    """The robot's URDF."""
    import importlib.util

    text = load_robot(name).spec.urdf
    spec = importlib.util.find_spec("pybullet_data")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parents[1] if "/" in text else ROBOTS / name) / text


def totals(
    rows: list[tuple[float, Matrix, NDArray[np.float64]]],
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Mass, centre of mass and inertia about it, of bodies (mass, X_RI, inertia in I)."""
    mass = sum(m for m, _, _ in rows)
    com = sum((m * X[:3, 3] for m, X, _ in rows), np.zeros(3)) / mass
    inertia = np.zeros((3, 3))
    for m, X, own in rows:
        x, y, z = X[:3, 3] - com
        around = np.array([[y * y + z * z, -x * y, -x * z], [-x * y, x * x + z * z, -y * z],
                           [-x * z, -y * z, x * x + y * y]])  # fmt: skip
        inertia += X[:3, :3] @ own @ X[:3, :3].T + m * around
    return mass, com, inertia


def drawn(model: RobotModel, seed: int) -> dict[str, float]:
    """Random positions of all joints that move."""
    rng = np.random.default_rng(seed)
    return {
        joint.name: float(rng.uniform(max(joint.lower, -3.0), min(joint.upper, 3.0)))
        for joint in model.urdf.joints
        if joint.kind != "fixed"
    }


@pytest.mark.parametrize(("arm", "gripper"), PAIRS)
def test_pieces_weigh_and_turn_like_the_links_they_are_made_of(
    arm: str, gripper: str | None
) -> None:
    model = load_robot(arm, gripper)
    kept = {link.name for link in model.urdf.links}
    rows = [row for row in masses(file_of(arm)) if row[0] in kept]
    if gripper is not None:
        rows += [(f"{gripper}_{row[0]}", *row[1:]) for row in masses(file_of(gripper))]
    q = drawn(model, seed=1)
    X_RL = model.urdf.poses(q)
    expected = totals([(m, X_RL[name] @ X_LI, own) for name, m, X_LI, own in rows])
    found = []
    for piece in model.pieces:
        own = piece.inertial
        if own.mass_kg > LEAST_KG:
            found.append((own.mass_kg, X_RL[piece.links[0][0]] @ own.X_LI, own.inertia))
    mass, com, inertia = totals(found)
    assert mass == pytest.approx(expected[0], rel=1e-9)
    np.testing.assert_allclose(com, expected[1], atol=1e-9)
    np.testing.assert_allclose(inertia, expected[2], atol=1e-7 + len(found) * LEAST_INERTIA)


@pytest.mark.parametrize(("arm", "gripper"), PAIRS)
def test_pieces_move_as_the_links_do(arm: str, gripper: str | None) -> None:
    model = load_robot(arm, gripper)
    q = drawn(model, seed=2)
    X_RL = model.urdf.poses(q)
    for piece in model.pieces[1:]:
        assert piece.joint is not None
        above = model.pieces[piece.parent]
        X_RP = X_RL[above.links[0][0]] @ piece.X_PJ
        moved = pose.inverse(X_RP) @ X_RL[piece.links[0][0]]
        if piece.joint.kind == "prismatic":
            np.testing.assert_allclose(moved[:3, :3], np.eye(3), atol=1e-12)
            shift = piece.joint.axis * q[piece.joint.name]
            np.testing.assert_allclose(moved[:3, 3], shift, atol=1e-12)
        else:
            turn = Rotation.from_rotvec(piece.joint.axis * q[piece.joint.name]).as_matrix()
            np.testing.assert_allclose(moved, pose.pose(turn), atol=1e-12)
        for name, X_PL in piece.links:
            np.testing.assert_allclose(X_RL[piece.links[0][0]] @ X_PL, X_RL[name], atol=1e-12)


def test_what_is_welded_is_one_piece_with_the_hulls_of_all() -> None:
    arm, cup, both = load_robot("arm6"), load_robot("cup"), load_robot("arm6", "cup")
    assert [str(piece.joint and piece.joint.name) for piece in both.pieces] == [
        "None",
        *(joint.name for joint in arm.urdf.joints),  # a cup has none
    ]
    last = [name for name, _ in both.pieces[-1].links]
    assert last == ["wrist_3", "cup_body", "cup_cup"]
    (own,) = cup.pieces
    assert len(both.pieces[-1].hulls) == len(arm.pieces[-1].hulls) + len(own.hulls)
    assert sum(len(piece.links) for piece in both.pieces) == len(both.urdf.links)
    weight = arm.pieces[-1].inertial.mass_kg + own.inertial.mass_kg
    assert both.pieces[-1].inertial.mass_kg == pytest.approx(weight)


def test_a_mounted_gripper_replaces_the_one_that_came_with_the_arm() -> None:
    own, other = load_robot("panda"), load_robot("panda", "jaw85")
    names = [link.name for link in other.urdf.links]
    assert not any("hand" in name or "finger" in name for name in names if "jaw85" not in name)
    assert {"jaw85_body", "jaw85_left_finger"} <= {*names}
    assert own.gripper is not None
    assert other.gripper is not None
    assert other.gripper.grasp.link == "jaw85_body"
    assert other.friction["jaw85_left_finger"].lateral == 1.0
    assert other.color("jaw85_body") != own.color("panda_hand")


def test_the_frame_g_stays_on_its_link_when_mounted() -> None:
    tool, both = load_robot("jaw85"), load_robot("arm6", "jaw85")
    X_RL = both.urdf.poses(both.start())
    X_RF = load_robot("arm6").urdf.poses(both.start())["wrist_3"]
    np.testing.assert_allclose(X_RL[both.grasp.link] @ both.grasp.X_AB, X_RF @ tool.grasp.X_AB)
    assert both.tip_m == pytest.approx(tool.tip_m)


def test_links_that_differ_in_case_or_far_out_are_different_objects(tmp_path: Path) -> None:
    long = "x" * 80
    names = ["hand", "Hand", "HAND", long + "a", long + "b"]
    sides = [0.1, 0.2, 0.3, 0.4, 0.5]
    links = "".join(
        f'<link name="{name}"><visual><geometry><box size="{side} 1 1"/></geometry></visual></link>'
        for name, side in zip(names, sides, strict=True)
    )
    joints = "".join(
        f'<joint name="{k}" type="fixed"><parent link="{a}"/><child link="{b}"/></joint>'
        for k, (a, b) in enumerate(pairwise(names))
    )
    text = "format: simenv-robot-1\nname: two\nurdf: two.urdf\n" + CUP
    model = load_robot(write(tmp_path, text, f'<robot name="r">{links}{joints}</robot>'))
    objects = {own.spec.name: own for own in model.links.values()}
    assert len(objects) == len(names)
    assert all(len(name) <= 64 for name in objects)
    assert [own.mesh.extents[0] for own in model.links.values()] == pytest.approx(sides)
