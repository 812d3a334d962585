"""Whether edge cases make sense: what they place, what they set, what they promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simenv.spec.check import check_range, named_objects
from simenv.spec.edge import EdgeCase
from simenv.spec.explain import suggest
from simenv.spec.object import ObjectModel
from simenv.spec.paths import Rejected, place
from simenv.spec.task import TaskSpec
from simenv.spec.yaml import Key, Problem

__all__ = ["check_edges"]

TAKEN = ("core", "edge", "all")  # words of --tier


def check_edges(spec: TaskSpec, objects: Mapping[str, ObjectModel]) -> list[Problem]:
    """All problems of ``edge_cases:``, given the objects that the task names."""
    problems: list[Problem] = []
    for name, case in spec.edge_cases.items():
        problems += _name(spec, name)
        problems += _built(spec, name, case)
        problems += _promised(spec, name, case)
        for path in case.set:
            problems += _set(spec, name, path, objects)
    return problems


def _name(spec: TaskSpec, name: str) -> Iterator[Problem]:
    if name in TAKEN:
        text = f"{name} is a word of --tier; choose another name"
        yield Problem(("edge_cases", name), text, at_key=True)
    for path, axis in spec.domain.items():
        if name in axis.edge:
            text = f"domain.{path} has an edge of that name; rename one of them"
            yield Problem(("edge_cases", name), text, at_key=True)


def _built(spec: TaskSpec, name: str, case: EdgeCase) -> Iterator[Problem]:
    """That the group and the camera exist, and a wrong item is one."""
    if case.build is None:
        return
    where = ("edge_cases", name)
    if case.group is not None and case.group not in spec.actors:
        text = f"no group {case.group}; {suggest(case.group, spec.actors)}"
        yield Problem((*where, "group"), text)
        return
    if not spec.actors:
        yield Problem((*where, "build"), "needs a group of actors; add one, or remove build")
        return
    if case.camera is not None and case.camera not in spec.cameras:
        text = f"no camera {case.camera}; {suggest(case.camera, spec.cameras)}"
        yield Problem((*where, "camera"), text)
    if case.build == "wrong_item":
        group = case.group or next(iter(spec.actors))
        for item in set(case.items) & _own(spec, group):
            text = f"{item} belongs to {group}; name an object that does not"
            yield Problem((*where, "objects"), text)


def _own(spec: TaskSpec, group: str) -> set[str]:
    """The objects that parts of the group can be in core scenes."""
    paths = {("actors", group), ("domain", f"actors.{group}.objects")}
    return {name for path, name in named_objects(spec).items() if path[:2] in paths}


def _promised(spec: TaskSpec, name: str, case: EdgeCase) -> Iterator[Problem]:
    """That labels can ever show what is guaranteed."""
    where: tuple[Key, ...] = ("edge_cases", name, "guarantee")
    own = case.guarantee
    known = sorted(set(named_objects(spec).values()))
    for item in own.items:
        if item not in known:
            text = f"no part can be {item}; {suggest(item, known)}"
            yield Problem((*where, "objects"), text)
    if own.cameras > len(spec.cameras):
        text = f"{own.cameras} of {len(spec.cameras)} cameras cannot be; lower it"
        yield Problem((*where, "cameras"), text)
    frames = spec.capture.frames
    if own.frames > frames:
        text = f"{own.frames} of {frames} frames cannot be; lower it, or raise capture.frames"
        yield Problem((*where, "frames"), text)
    if own.speed_change_m_s is not None and frames < 2:
        text = "needs two frames to compare; raise capture.frames, or use speed_m_s"
        yield Problem((*where, "speed_change_m_s"), text)
    carried = spec.scene.belts or spec.scene.tables
    if own.overhang_m is not None and not carried:
        yield Problem((*where, "overhang_m"), "needs a belt or a table in scene; add one")


def _set(
    spec: TaskSpec, name: str, path: str, objects: Mapping[str, ObjectModel]
) -> Iterator[Problem]:
    where: tuple[Key, ...] = ("edge_cases", name, "set", path)
    try:
        target = place(spec, path)
    except Rejected as rejected:
        yield Problem(where, rejected.problems[0].text, at_key=True)
        return
    if target.kind == "fixed":
        yield Problem(where, "is one for the whole dataset and cannot be set", at_key=True)
        return
    for other in (*spec.domain, *spec.edge_cases[name].set):
        if path.startswith(f"{other}.") or other.startswith(f"{path}."):
            text = f"overlaps {other}, which is drawn, too; set that one"
            yield Problem(where, text, at_key=True)
            return
    yield from check_range(where, path, spec.edge_cases[name].set[path], spec, objects)
