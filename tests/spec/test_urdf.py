"""What a URDF file says is read as it is meant; what is wrong with one is told in one line."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from simenv import mesh, pose
from simenv.errors import InputError
from simenv.pose import Matrix
from simenv.spec import urdf
from simenv.spec.load_robot import load_robot
from simenv.spec.urdf import Urdf, UrdfError

CRANE = """<?xml version="1.0"?>
<robot name="crane">
  <material name="steel"><color rgba="0.5 0.6 0.7 1"/></material>
  <joint name="lift" type="prismatic">
    <origin xyz="0.1 0 0" rpy="0 1.5707963267948966 0"/>
    <parent link="boom"/><child link="hook"/>
    <axis xyz="0 0 2"/>
    <limit lower="-0.1" upper="0.4" effort="50" velocity="0.3"/>
    <dynamics damping="0.7" friction="3"/>
  </joint>
  <joint name="slew" type="continuous">
    <origin xyz="0 0 0.5"/>
    <parent link="base"/><child link="tower"/>
    <axis xyz="0 0 1"/>
  </joint>
  <joint name="luff" type="revolute">
    <origin xyz="0 0.2 0" rpy="0.3 -0.2 0.5"/>
    <parent link="tower"/><child link="boom"/>
    <axis xyz="0 3 4"/>
    <limit lower="-1" upper="1.5" effort="20" velocity="2"/>
  </joint>
  <joint name="lamp_joint" type="fixed">
    <origin xyz="0 0 0.3" rpy="0 0 1.5707963267948966"/>
    <parent link="tower"/><child link="lamp"/>
  </joint>
  <link name="base">
    <visual>
      <origin xyz="0 0 0.05"/>
      <geometry><box size="0.4 0.3 0.1"/></geometry>
      <material name="steel"/>
    </visual>
    <collision><geometry><box size="0.4 0.3 0.1"/></geometry></collision>
  </link>
  <link name="tower">
    <inertial>
      <origin xyz="0 0 0.2" rpy="0 0 1.5707963267948966"/>
      <mass value="4"/>
      <inertia ixx="0.1" ixy="0" ixz="0" iyy="0.2" iyz="0" izz="0.25"/>
    </inertial>
    <visual><geometry><cylinder radius="0.05" length="0.6"/></geometry></visual>
    <collision><geometry><cylinder radius="0.05" length="0.6"/></geometry></collision>
  </link>
  <link name="boom">
    <visual>
      <origin rpy="0 0 1.5707963267948966"/>
      <geometry><mesh filename="package://crane/meshes/boom.obj" scale="1 2 0.5"/></geometry>
      <material name="own"><color rgba="1 0 0 0.5"/></material>
    </visual>
    <collision><geometry><mesh filename="boom.stl"/></geometry></collision>
  </link>
  <link name="hook"><collision><geometry><sphere radius="0.04"/></geometry></collision></link>
  <link name="lamp"/>
  <transmission name="motor"><joint name="slew"/></transmission>
</robot>
"""
STL = b"""solid two
facet normal 0 0 1
outer loop
vertex 0 0 0
vertex 1 0 0
vertex 0 1 0
endloop
endfacet
endsolid two
"""


@pytest.fixture(scope="module")
def crane(tmp_path_factory: pytest.TempPathFactory) -> Urdf:
    """The crane, with its mesh files."""
    folder = tmp_path_factory.mktemp("crane")
    (folder / "meshes").mkdir()
    mesh.save_obj(folder / "meshes/boom.obj", mesh.box((0.2, 0.1, 0.4)))
    (folder / "boom.stl").write_bytes(STL)
    (folder / "crane.urdf").write_text(CRANE)
    return urdf.parse(folder / "crane.urdf", {"crane": folder})


def test_parents_come_before_children_whatever_the_order_of_the_file(crane: Urdf) -> None:
    assert crane.root == "base"
    assert [link.name for link in crane.links] == ["base", "tower", "boom", "hook", "lamp"]
    assert [joint.child for joint in crane.joints] == [link.name for link in crane.links[1:]]


def test_joints_have_the_numbers_of_the_file(crane: Urdf) -> None:
    slew, luff, lift = (crane.joint(name) for name in ("slew", "luff", "lift"))
    assert [joint.kind for joint in crane.joints] == ["revolute", "revolute", "prismatic", "fixed"]
    assert (slew.lower, slew.upper, slew.effort) == (-math.inf, math.inf, 0.0)
    assert (luff.lower, luff.upper, luff.effort, luff.velocity) == (-1.0, 1.5, 20.0, 2.0)
    assert (lift.lower, lift.upper, lift.damping) == (-0.1, 0.4, 0.7)
    assert luff.axis == pytest.approx([0.0, 0.6, 0.8])
    assert lift.axis == pytest.approx([0.0, 0.0, 1.0])
    with pytest.raises(KeyError):
        crane.joint("hoist")


def test_inertia_has_the_frame_of_the_file(crane: Urdf) -> None:
    own = crane.link("tower").inertial
    assert own is not None
    assert own.mass_kg == 4.0
    np.testing.assert_allclose(own.X_LI[:3, 3], (0.0, 0.0, 0.2))
    in_link = own.X_LI[:3, :3] @ own.inertia @ own.X_LI[:3, :3].T
    np.testing.assert_allclose(in_link, np.diag([0.2, 0.1, 0.25]), atol=1e-12)
    assert crane.link("lamp").inertial is None


def test_colours_are_named_or_given_in_place(crane: Urdf) -> None:
    assert crane.link("base").visuals[0].color == (0.5, 0.6, 0.7)
    assert crane.link("boom").visuals[0].color == (1.0, 0.0, 0.0)
    assert crane.link("tower").visuals[0].color is None


def test_surfaces_are_as_large_as_the_file_says(crane: Urdf) -> None:
    base, tower, boom = (crane.link(n).visuals[0].surface() for n in ("base", "tower", "boom"))
    np.testing.assert_allclose(base.extents, (0.4, 0.3, 0.1))
    np.testing.assert_allclose(base.center, (0.0, 0.0, 0.05), atol=1e-12)
    np.testing.assert_allclose(tower.extents, (0.1, 0.1, 0.6), atol=1e-3)
    # Scaled in its own axes to 0.2 x 0.2 x 0.2, then turned.
    np.testing.assert_allclose(boom.extents, (0.2, 0.2, 0.2), atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(boom.normals, axis=1), 1.0)
    assert mesh.signed_volume(boom) == pytest.approx(0.008)


def test_hulls_hold_the_round_shapes_and_little_more(crane: Urdf) -> None:
    (box,), (prism,) = (crane.link(name).collisions[0].hulls() for name in ("base", "tower"))
    (ball,), (flat,) = (crane.link(name).collisions[0].hulls() for name in ("hook", "boom"))
    assert sorted(map(tuple, np.abs(box).round(9))) == [(0.2, 0.15, 0.05)] * 8
    radii = np.hypot(prism[:, 0], prism[:, 1])
    assert radii == pytest.approx(np.full(len(prism), 0.05))
    assert set(prism[:, 2].round(9)) == {-0.3, 0.3}
    assert np.linalg.norm(ball, axis=1) == pytest.approx(np.full(len(ball), 0.04))
    assert sorted(map(tuple, flat)) == [(0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)]


def expected_pose(slew: float, luff: float, lift: float) -> Matrix:
    """X_RL of the hook, by scipy's rotations."""

    def X(R: Rotation, p: tuple[float, float, float]) -> Matrix:
        return pose.pose(R.as_matrix(), p)

    return np.asarray(
        X(Rotation.identity(), (0, 0, 0.5))
        @ X(Rotation.from_rotvec((0, 0, slew)), (0, 0, 0))
        @ X(Rotation.from_euler("xyz", (0.3, -0.2, 0.5)), (0, 0.2, 0))
        @ X(Rotation.from_rotvec(luff * np.array([0, 0.6, 0.8])), (0, 0, 0))
        @ X(Rotation.from_euler("y", math.pi / 2), (0.1, 0, 0))
        @ X(Rotation.identity(), (0, 0, lift))
    )


@given(slew=st.floats(-9, 9), luff=st.floats(-1, 1.5), lift=st.floats(-0.1, 0.4))
def test_poses_are_products_along_the_tree(
    crane: Urdf, slew: float, luff: float, lift: float
) -> None:
    found = crane.poses({"slew": slew, "luff": luff, "lift": lift})
    np.testing.assert_allclose(found["hook"], expected_pose(slew, luff, lift), atol=1e-9)
    np.testing.assert_allclose(found["base"], np.eye(4))
    turn = Rotation.from_matrix(found["lamp"][:3, :3]).as_rotvec()
    np.testing.assert_allclose(
        math.cos(turn[2]), math.cos(slew + math.pi / 2), atol=1e-9
    )  # turns with the tower
    assert found["lamp"][2, 3] == pytest.approx(0.8)


def test_joints_left_out_are_at_zero(crane: Urdf) -> None:
    np.testing.assert_allclose(crane.poses({})["hook"], expected_pose(0, 0, 0), atol=1e-12)


def test_the_path_to_a_link_starts_at_the_root(crane: Urdf) -> None:
    assert [joint.name for joint in crane.path_to("hook")] == ["slew", "luff", "lift"]
    assert [joint.name for joint in crane.path_to("lamp")] == ["slew", "lamp_joint"]
    assert crane.path_to("base") == []


def test_a_bare_tree_has_nothing_left_on_the_link(crane: Urdf) -> None:
    bare = crane.bare("tower")
    assert [link.name for link in bare.links] == ["base", "tower"]
    assert [joint.name for joint in bare.joints] == ["slew"]
    assert crane.bare("hook").links == crane.links
    assert [link.name for link in crane.bare("boom").links] == ["base", "tower", "boom", "lamp"]


def test_a_tool_is_welded_where_it_is_told_and_keeps_its_own_joints(crane: Urdf) -> None:
    X_LT = pose.from_rpy_deg((30.0, 40.0, 50.0), (0.1, 0.2, 0.3))
    q = {"slew": 0.4, "luff": -0.3, "lift": 0.2, "t_slew": 1.1, "t_luff": 0.7, "t_lift": 0.1}
    both = crane.with_tool("hook", X_LT, crane, "t_")
    assert len(both.links) == 2 * len(crane.links)
    found, arm = both.poses(q), crane.poses(q)
    tool = crane.poses({"slew": 1.1, "luff": 0.7, "lift": 0.1})
    for link in crane.links:
        np.testing.assert_allclose(found[link.name], arm[link.name], atol=1e-12)
        expected = arm["hook"] @ X_LT @ tool[link.name]
        np.testing.assert_allclose(found[f"t_{link.name}"], expected, atol=1e-12)
    # Bare again, it is what it was.
    assert [link.name for link in both.bare("hook").links] == [link.name for link in crane.links]


def test_a_flat_body_is_no_error_for_rounding(tmp_path: Path) -> None:
    R = Rotation.from_euler("xyz", (0.3, 0.7, -1.1)).as_matrix()
    tensor = R @ np.diag([0.0, 1.0, 1.0]) @ R.T  # a thin rod in some direction
    values = " ".join(
        f'i{a}{b}="{float(tensor[i, j])!r}"'
        for i, a in enumerate("xyz")
        for j, b in enumerate("xyz")
        if i <= j
    )
    text = f'<link name="a"><inertial><mass value="1"/><inertia {values}/></inertial></link>'
    (tmp_path / "rod.urdf").write_text(f'<robot name="rod">{text}</robot>')
    own = urdf.parse(tmp_path / "rod.urdf", {}).link("a").inertial
    assert own is not None
    np.testing.assert_allclose(own.inertia, tensor)


# What is wrong -----------------------------------------------------------------------------------


def one(inside: str) -> str:
    """A robot of one link that has this inside."""
    return f'<robot name="r"><link name="a">{inside}</link></robot>'


def seen(geometry: str) -> str:
    """A robot of one link that is seen as this."""
    return one(f"<visual><geometry>{geometry}</geometry></visual>")


def turning(inside: str, kind: str = "revolute") -> str:
    """Two links and a joint that has this inside."""
    ends = '<parent link="a"/><child link="b"/>'
    joint = f'<joint name="j" type="{kind}">{ends}{inside}</joint>'
    return f'<robot name="r"><link name="a"/><link name="b"/>{joint}</robot>'


def linked(links: str, *joints: tuple[str, str, str]) -> str:
    """Links of one letter each, and fixed joints (name, parent, child)."""
    bodies = "".join(f'<link name="{name}"/>' for name in links)
    held = "".join(
        f'<joint name="{name}" type="fixed"><parent link="{a}"/><child link="{b}"/></joint>'
        for name, a, b in joints
    )
    return f'<robot name="r">{bodies}{held}</robot>'


def weighing(mass: str, **moments: str) -> str:
    """A robot of one link with this mass and inertia."""
    own = {"ixx": "1", "iyy": "1", "izz": "1", **moments}
    values = " ".join(f'{key}="{value}"' for key, value in own.items() if value)
    return one(f"<inertial>{mass}<inertia {values}/></inertial>")


LIMIT = '<limit lower="-1" upper="1" effort="1" velocity="1"/>'
MANY = "".join(f'<link name="l{k}"/>' for k in range(129))
# fmt: off
WRONG = {  # the file, and what is said of it
    "empty": ("", "line 1: is no XML: no element found; mend the file"),
    "unclosed": ("<robot>\n<link name='a'>\n</robot>",
                 "line 3: is no XML: mismatched tag; mend the file"),
    "xacro": ('<robot name="r"><xacro:arm/></robot>',
              "line 1: is no XML: unbound prefix; mend the file"),
    "no_unicode": ('<?xml version="1.0" encoding="klingon"?><robot name="r"/>',
                   "is no XML: unknown encoding: klingon; save it as UTF-8"),
    "mjcf": ("<mujoco/>", "starts with <mujoco>, not <robot>; convert it to URDF"),
    "no_links": ('<robot name="r"/>', "has 0 links; between 1 and 128 are taken"),
    "many_links": (f'<robot name="r">{MANY}</robot>',
                   "has 129 links; between 1 and 128 are taken"),
    "nameless": ('<robot name="r"><link/></robot>', "a <link> has no name; give it one"),
    "two_roots": (linked("abc", ("j", "a", "b")),
                  "must have one link that no joint carries, has a and c; join them"),
    "no_root": (linked("ab", ("j", "a", "b"), ("k", "b", "a")),
                "must have one link that no joint carries, has none; open the loop"),
    "loop_apart": (linked("abc", ("j", "b", "c"), ("k", "c", "b")),
                   "some joints form a loop; open it"),
    "two_parents": (linked("abc", ("j", "a", "c"), ("k", "b", "c")),
                    "link c hangs on two joints; remove one"),
    "same_link": (linked("aa"), "two links have the same name; rename one"),
    "same_joint": (linked("abc", ("j", "a", "b"), ("j", "a", "c")),
                   "two joints have the same name; rename one"),
    "no_parent": (linked("b", ("j", "a", "b")), "joint j: there is no link a; add it"),
    "no_child": ('<robot name="r"><link name="a"/><joint name="j" type="fixed">'
                 '<parent link="a"/></joint></robot>',
                 "joint j: <joint> has no <child>; add it"),
    "floating": (turning("", "floating"),
                 "joint j: type 'floating' is not taken; use fixed, revolute, continuous or "
                 "prismatic"),
    "no_type": (turning("", ""),
                "joint j: type '' is not taken; use fixed, revolute, continuous or prismatic"),
    "no_limit": (turning(""),
                 "joint j: has no <limit>; add lower, upper, effort and velocity"),
    "no_range": (turning('<limit effort="1" velocity="1"/>'),
                 "joint j: lower 0.0 is not below upper 0.0; mend its <limit>"),
    "swapped": (turning('<limit lower="1" upper="-1"/>', "prismatic"),
                "joint j: lower 1.0 is not below upper -1.0; mend its <limit>"),
    "weak": (turning(LIMIT.replace('effort="1"', 'effort="-5"')),
             "joint j: effort -5.0 is negative; write how large it is"),
    "no_axis": (turning(f'<axis xyz="0 0 0"/>{LIMIT}'),
                "joint j: <axis> has no direction; write for example 0 0 1"),
    "nan": (turning(f'<origin xyz="0 nan 0"/>{LIMIT}'),
            "joint j: <origin> xyz must be 3 numbers, is '0 nan 0'"),
    "commas": (turning(f'<origin rpy="0 0 1,5"/>{LIMIT}'),
               "joint j: <origin> rpy must be 3 numbers, is '0 0 1,5'"),
    "infinite": (turning('<limit lower="-1" upper="1e999"/>'),
                 "joint j: <limit> upper must be a number, is '1e999'"),
    "python": (turning('<limit lower="-1" upper="1_0"/>'),
               "joint j: <limit> upper must be a number, is '1_0'"),
    "light": (weighing('<mass value="-1"/>'),
              "link a: mass and inertia must not be negative"),
    "no_body": (weighing('<mass value="1"/>', ixx="-1"),
                "link a: mass and inertia must not be negative"),
    "no_mass": (weighing(""), "a: <inertial> has no <mass>; add it"),
    "no_moment": (weighing('<mass value="1"/>', izz=""),
                  "a: <inertia> izz must be a number, is None"),
    "no_geometry": (one("<visual/>"), "a: <visual> has no <geometry>; add it"),
    "two_shapes": (seen('<box size="1 1 1"/><sphere radius="1"/>'),
                   "link a: <geometry> needs one shape, has 2"),
    "capsule": (seen('<capsule radius="1" length="1"/>'),
                "link a: <capsule> is no shape; use box, cylinder, sphere or mesh"),
    "flat": (seen('<box size="1 1 0"/>'),
             "link a: a box of size (1.0, 1.0, 0.0); make all sides positive"),
    "mirrored": (seen('<mesh filename="b.obj" scale="1 -1 1"/>'),
                 "link a: mesh 'b.obj' of scale (1.0, -1.0, 1.0); make all factors positive"),
    "bytes": (one('<visual><geometry><box size="1 1 1"/></geometry>'
                  '<material name="m"><color rgba="255 0 0 1"/></material></visual>'),
              "material m: rgba 255 0 0 1 is not in 0..1; divide by 255"),
    "upwards": (seen('<mesh filename="../b.obj"/>'),
                "link a: mesh '../b.obj' leaves the folder; copy the file into it"),
    "absolute": (seen('<mesh filename="/etc/passwd"/>'),
                 "link a: mesh '/etc/passwd' leaves the folder; copy the file into it"),
    "package": (seen('<mesh filename="package://known/../b.obj"/>'),
                "link a: mesh 'package://known/../b.obj' leaves the folder; copy the file into it"),
    "package_root": (seen('<mesh filename="package:///etc/passwd"/>'),
                     "link a: mesh 'package:///etc/passwd' leaves the folder; copy the file into "
                     "it"),
    "no_name": (seen("<mesh/>"), "link a: mesh '' leaves the folder; copy the file into it"),
    "symlink": (seen('<mesh filename="out.obj"/>'),
                "link a: mesh 'out.obj' is a link out of the folder; copy the file"),
    "circle": (seen('<mesh filename="circle.obj"/>'),
               "link a: there is no file 'circle.obj' beside the URDF"),
    "missing": (seen('<mesh filename="c.obj"/>'),
                "link a: there is no file 'c.obj' beside the URDF"),
    "folder": (seen('<mesh filename="."/>'),
               "link a: there is no file '.' beside the URDF"),
    "long": (seen(f'<mesh filename="{"x" * 300}.obj"/>'),
             f"link a: there is no file '{'x' * 300}.obj' beside the URDF"),
    "dae": (seen('<mesh filename="b.dae"/>'),
            "link a: mesh 'b.dae' is neither OBJ nor STL; export it as one of them"),
}
# fmt: on


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=list(WRONG))
def test_a_broken_file_is_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    folder = tmp_path / "robot"
    folder.mkdir()
    for file in (tmp_path / "b.obj", folder / "b.obj", folder / "b.dae"):
        mesh.save_obj(file, mesh.box((0.1, 0.1, 0.1)))
    os.symlink(tmp_path / "b.obj", folder / "out.obj")
    os.symlink(folder / "circle.obj", folder / "circle.obj")
    (folder / "r.urdf").write_text(text)
    with pytest.raises(UrdfError) as caught:
        urdf.parse(folder / "r.urdf", {"known": folder})
    assert str(caught.value) == said


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "r.urdf").open("wb") as file:
        file.truncate(10_000_001)
    with pytest.raises(UrdfError, match="has more than 10000000 bytes; that is no robot"):
        urdf.parse(tmp_path / "r.urdf", {})


@given(text=st.text(alphabet=" abij<>/=\"'&;!-?[]\x00\u00e9", max_size=60))
def test_no_text_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "some.urdf"
    path.write_text(f'<robot name="r"><link name="a">{text}</link></robot>')
    with suppress(UrdfError):
        assert urdf.parse(path, {}).root == "a"


YAML = "format: simenv-robot-1\nname: r\nurdf: r.urdf\narm: {joints: [j], home: [0]}\n"
FLANGE = "flange: {link: b}\n"
# fmt: off
MESHES = [  # a file, what it holds, and what is said of it
    ("m.obj", b"v 1 2 x\n", "line 1: expected 3 finite numbers, got '1 2 x'"),
    ("m.obj", b"v 1 2 3\nf 1 2 3\n", "line 2: index 2 is out of range in '2'"),
    ("m.obj", b"# nothing\n", "the file has no faces"),
    ("m.obj", b"\x89PNG\r\n\x1a\n\x00", "the file has no faces"),
    ("m.stl", b"", "m.stl has no triangles, or numbers that are not finite"),
    ("m.STL", b"solid x\nfacet normal 0 0 1\nouter loop\nvertex a b c\n",
     "m.STL has no triangles, or numbers that are not finite"),
]
# fmt: on


def held(folder: Path, file: str, content: bytes) -> Path:
    """A robot whose second link touches as the file says."""
    own = folder / "r"
    own.mkdir()
    (own / file).write_bytes(content)
    shape = f'<geometry><mesh filename="{file}"/></geometry>'
    text = turning(LIMIT).replace(
        '<link name="b"/>', f'<link name="b"><collision>{shape}</collision></link>'
    )
    (own / "r.urdf").write_text(text)
    (own / "robot.yaml").write_text(YAML + FLANGE)
    return own


@pytest.mark.parametrize(("file", "content", "said"), MESHES, ids=range(len(MESHES)))
def test_a_broken_mesh_is_told_when_the_robot_is_loaded(
    tmp_path: Path, file: str, content: bytes, said: str
) -> None:
    own = held(tmp_path, file, content)
    expected = f"{own}/robot.yaml:3:7: urdf: r.urdf: link b: mesh {file!r}: {said}; export it anew"
    with pytest.raises(InputError) as caught:
        load_robot(own)
    assert str(caught.value) == expected


def test_a_binary_stl_cut_short_is_told_in_one_line(tmp_path: Path) -> None:
    own = held(tmp_path, "m.stl", b"\0" * 80 + b"\xff\xff\xff\x00" + b"x" * 50)
    with pytest.raises(InputError) as caught:
        load_robot(own)
    line = str(caught.value)
    assert line.startswith(f"{own}/robot.yaml:3:7: urdf: r.urdf: link b: mesh 'm.stl': ")
    assert line.endswith("; export it anew")
    assert "\n" not in line


def test_of_two_robots_the_one_with_the_broken_mesh_is_named(tmp_path: Path) -> None:
    own = held(tmp_path, "m.obj", b"f 1 2 3\n")
    text = (own / "robot.yaml").read_text().replace(FLANGE, "")
    grasp = "gripper: {kind: vacuum, grasp: {link: b}, radius_m: 0.01, force_n: 1}\n"
    (own / "robot.yaml").write_text(text.replace("arm: {joints: [j], home: [0]}\n", grasp))
    with pytest.raises(InputError) as caught:
        load_robot("arm6", own)
    said = "line 1: index 1 is out of range in '1'"
    assert str(caught.value) == (
        f"{own}/robot.yaml:3:7: urdf: r.urdf: link b: mesh 'm.obj': {said}; export it anew"
    )


def test_a_mesh_that_was_mended_is_read_anew(tmp_path: Path) -> None:
    own = held(tmp_path, "m.obj", b"f 1 2 3\n")
    with pytest.raises(InputError):
        load_robot(own)
    for size in (0.1, 0.2):
        mesh.save_obj(own / "m.obj", mesh.box((size, size, size)))
        (hull,) = load_robot(own).pieces[1].hulls
        assert np.ptp(hull[:, 0]) == pytest.approx(size)
