"""How a robot is read: robot.yaml, its URDF, the gripper on its flange; all checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from pydantic import ValidationError

from simenv.spec import catalog, urdf, yaml
from simenv.spec.explain import explain, suggest
from simenv.spec.robot import Jaw, RobotModel, RobotSpec
from simenv.spec.urdf import Link, Urdf, UrdfError
from simenv.spec.yaml import Document, Key, Problem

__all__ = ["load_robot"]

ENGINE_DATA = "pybullet_data"  # its robots can be named, and are never copied


def load_robot(
    name_or_path: str | Path, gripper: str | Path | None = None, *, near: Path | None = None
) -> RobotModel:
    """The robot of a name, of its folder or of its robot.yaml, with ``gripper`` on its flange.

    Raises:
        InputError: one line for each problem: what a file says, names that its URDF lacks, a
            gripper where there is no flange, meshes that cannot be read.
    """
    document, spec, tree = own = _read(name_or_path, near)
    colors = {link.name: spec.color for link in tree.links}
    if gripper is None:
        return _whole(RobotModel(spec, tree, spec.gripper, spec.friction, colors), own)
    if spec.flange is None:
        way_out = "add its flange" if spec.arm else "name an arm in use, and this as its gripper"
        raise document.error([Problem((), f"has no flange to mount {gripper} on; {way_out}")])
    tool_document, tool, tool_tree = other = _read(gripper, near)
    if tool.gripper is None:
        raise tool_document.error([Problem((), "is no gripper: it has no gripper section")])
    prefix = f"{tool.name}_"
    mounted = tree.bare(spec.flange.link).with_tool(
        spec.flange.link, spec.flange.X_AB, tool_tree, prefix
    )
    model = RobotModel(
        spec,
        mounted,
        tool.gripper.mounted(prefix),
        {**spec.friction, **{prefix + link: f for link, f in tool.friction.items()}},
        {**colors, **{prefix + link.name: tool.color for link in tool_tree.links}},
        tool.name,
    )
    return _whole(model, own, other)


def _whole(model: RobotModel, *read: tuple[Document, RobotSpec, Urdf]) -> RobotModel:
    """The model with every mesh in it; what its files are has been ``read``."""
    try:
        _ = model.pieces, model.links  # they are kept
    except UrdfError:
        for document, spec, tree in read:
            if problems := list(_mesh_problems(spec, tree.links)):
                raise document.error(problems) from None
        raise
    return model


def _mesh_problems(spec: RobotSpec, links: Sequence[Link]) -> Iterator[Problem]:
    for link in links:
        for shape in (*link.visuals, *link.collisions):
            try:
                shape.surface()
            except UrdfError as error:
                yield Problem(("urdf",), f"{spec.urdf}: link {link.name}: {error}")


def _read(name_or_path: str | Path, near: Path | None) -> tuple[Document, RobotSpec, Urdf]:
    path = catalog.file_of("robots", name_or_path, near=near)
    document = yaml.read(path)
    try:
        spec = RobotSpec.model_validate(document.value)
    except ValidationError as error:
        raise document.error(explain(error, RobotSpec, document.value)) from None
    tree = _tree(document, spec, path)
    problems = [*catalog.name_problems(spec.name, path), *_problems(spec, tree)]
    if problems:
        raise document.error(problems)
    return document, spec, tree


def _tree(document: Document, spec: RobotSpec, path: Path) -> Urdf:
    found = find_spec(ENGINE_DATA)
    assert found is not None
    assert found.origin is not None
    data = Path(found.origin).parent  # found, not imported: importing it prints
    folder, name = path.parent, spec.urdf
    if name.startswith(f"{ENGINE_DATA}/"):
        folder, name = data, name.removeprefix(f"{ENGINE_DATA}/")
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts or "\0" in name:
        text = f"{spec.urdf} leaves the folder of the robot; copy the file into it"
        raise document.error([Problem(("urdf",), text)])
    file = folder / name
    if not file.is_file():
        known = sorted(entry.name for entry in file.parent.glob("*.urdf"))
        text = f"no file {spec.urdf}; {suggest(file.name, known)}"
        raise document.error([Problem(("urdf",), text)])
    if not file.resolve().is_relative_to(folder.resolve()):
        text = f"{spec.urdf} is a link out of the folder of the robot; copy the file into it"
        raise document.error([Problem(("urdf",), text)])
    try:
        return urdf.parse(file, {ENGINE_DATA: data})
    except UrdfError as error:
        raise document.error([Problem(("urdf",), f"{spec.urdf}: {error}")]) from None


def _problems(spec: RobotSpec, tree: Urdf) -> Iterator[Problem]:
    """Names that the URDF does not have, and positions outside its limits."""
    links = [link.name for link in tree.links]
    joints = {joint.name: joint for joint in tree.joints}
    for path, name in _links(spec):
        if name not in links:
            yield Problem(path, f"the URDF has no link {name}; {suggest(name, links)}")
    moving = [name for name, joint in joints.items() if joint.kind != "fixed"]
    for named, path, name, value in _positions(spec):
        if name not in moving:
            text = f"the URDF has no joint {name} that moves; {suggest(name, moving)}"
            yield Problem(named, text, at_key=True)
            continue
        low, high = joints[name].lower, joints[name].upper
        if not low - 1e-6 <= value <= high + 1e-6:
            text = f"{value:g} is outside the limits {low:g} to {high:g} of {name}"
            yield Problem(path, f"{text}; choose one inside")
    if spec.arm is not None and spec.arm.speed is None:
        for i, name in enumerate(spec.arm.joints):
            if name in joints and joints[name].velocity <= 0:
                text = f"the URDF gives {name} no velocity limit; add arm.speed"
                yield Problem(("arm", "joints", i), text)
    if spec.arm is not None and {*spec.arm.joints} <= {*moving}:
        yield from _order(spec.arm.joints, spec, tree)


def _order(arm: tuple[str, ...], spec: RobotSpec, tree: Urdf) -> Iterator[Problem]:
    """That the arm's joints lead to the flange, and to where the gripper grasps, in that order."""
    ends = [spec.flange, None if spec.gripper is None else spec.gripper.grasp]
    for link in (end.link for end in ends if end is not None):
        way = tuple(joint.name for joint in tree.path_to(link) if joint.name in arm)
        if way != arm and link in {own.name for own in tree.links}:
            way_out = f"write [{', '.join(way)}]" if way else "none of these moves it"
            text = f"must be those from the base to {link}, in that order; {way_out}"
            yield Problem(("arm", "joints"), text)
            return


def _links(spec: RobotSpec) -> Iterator[tuple[tuple[Key, ...], str]]:
    if spec.flange is not None:
        yield ("flange", "link"), spec.flange.link
    if spec.gripper is not None:
        yield ("gripper", "grasp", "link"), spec.gripper.grasp.link
    if isinstance(spec.gripper, Jaw):
        yield from ((("gripper", "pads", i), pad) for i, pad in enumerate(spec.gripper.pads))
    yield from ((("friction", link), link) for link in spec.friction)


def _positions(
    spec: RobotSpec,
) -> Iterator[tuple[tuple[Key, ...], tuple[Key, ...], str, float]]:
    """Every position that the file gives a joint: where it names the joint, and the position."""
    if spec.arm is not None:
        for i, (name, value) in enumerate(zip(spec.arm.joints, spec.arm.home, strict=True)):
            yield ("arm", "joints", i), ("arm", "home", i), name, value
    if isinstance(spec.gripper, Jaw):
        for name, ends in spec.gripper.joints.items():
            path = ("gripper", "joints", name)
            yield from ((path, (*path, i), name, end) for i, end in enumerate(ends))
