"""Whether a task makes sense as a whole: what its models, each by itself, cannot see."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from simenv.spec.domain import AxisSpec, Distribution
from simenv.spec.explain import suggest
from simenv.spec.look import PROCEDURAL_TEXTURES
from simenv.spec.model import Rotation, Triple
from simenv.spec.object import ObjectModel
from simenv.spec.paths import Place, Rejected, place, replace
from simenv.spec.robot import RobotModel
from simenv.spec.task import ROBOT, TaskSpec
from simenv.spec.yaml import Key, Problem, flow

__all__ = ["check", "check_range", "distributions", "extremes", "group_of", "named_objects"]

EACH_ACTOR = (  # what every part of a group can have of its own
    "objects",
    "texture",
    "color",
    "roughness",
    "metallic",
    "spawn.orientation",
    "spawn.position",
    "spawn.height_m",
)
DIMS = 64  # Sobol dimensions that an axis can pin
ALL = ("objects", "texture")  # where `choice: all` has a meaning


def named_objects(spec: TaskSpec) -> dict[tuple[Key, ...], str]:
    """Where the task names objects: path -> name; in groups and in axes on their ``objects``."""
    found: dict[tuple[Key, ...], str] = {}
    for group, actors in spec.actors.items():
        found.update(_names(("actors", group, "objects"), actors.objects))
    for path, axis in spec.domain.items():
        if _actor_key(path) == "objects":
            for where, distribution in distributions(path, axis):
                if distribution.choice != "all":
                    found.update(_names((*where, "choice"), distribution.choice))
    for i, change in enumerate(spec.timeline):
        if _actor_key(change.axis) == "objects" and change.shift is not None:
            to, where = change.shift.to, ("timeline", i, "shift", "to")
            if not isinstance(to, Distribution):
                found.update(_names(where, to))
            elif to.choice != "all":
                found.update(_names((*where, "choice"), to.choice))
    for name, case in spec.edge_cases.items():
        found.update(_names(("edge_cases", name, "objects"), case.objects))
        found.update(_names(("edge_cases", name, "cover"), case.cover))
        for path, distribution in case.set.items():
            if _actor_key(path) == "objects" and distribution.choice != "all":
                below = ("edge_cases", name, "set", path, "choice")
                found.update(_names(below, distribution.choice))
    return found


def group_of(path: tuple[Key, ...], spec: TaskSpec) -> str:
    """``parts`` of ("actors", "parts", ...) and of ("domain", "actors.parts.objects", ...).

    And of ("timeline", 0, ...), where row 0 moves ``actors.parts.objects``; and of
    ("edge_cases", "twins", ...), which places parts of the group, or sets its objects.
    """
    if path[0] == "edge_cases":
        own = spec.edge_cases[str(path[1])].group or next(iter(spec.actors), "")
        return str(path[3]).split(".")[1] if path[2] == "set" else own
    if path[0] == "timeline":
        return spec.timeline[int(path[1])].axis.split(".")[1]
    return str(path[1]).split(".")[1] if path[0] == "domain" else str(path[1])


def _names(path: tuple[Key, ...], value: Any) -> dict[tuple[Key, ...], str]:
    if isinstance(value, str):
        return {path: value}
    if isinstance(value, Mapping):
        return {(*path, key): key for key in value}
    if isinstance(value, tuple):
        return {
            key: name for i, v in enumerate(value) for key, name in _names((*path, i), v).items()
        }
    return {}


def _actor_key(path: str) -> str | None:
    """``spawn.height_m`` of ``actors.parts.spawn.height_m``; None elsewhere."""
    parts = path.split(".", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "actors" else None


def distributions(path: str, axis: AxisSpec) -> Iterator[tuple[tuple[Key, ...], Distribution]]:
    """What the axis at ``path`` draws from, core and edges, each with its place in the file."""
    yield ("domain", path), axis
    for name, edge in axis.edge.items():
        yield ("domain", path, "edge", name), edge


def check(
    spec: TaskSpec, objects: Mapping[str, ObjectModel], robot: RobotModel | None = None
) -> list[Problem]:
    """All problems of the task but its timeline's, given the objects and the robot it names."""
    problems = [*_nominal_textures(spec, objects), *_robot(spec, robot)]
    if spec.success is not None:
        problems += _sorted_classes(spec, objects)
    for path, axis in spec.domain.items():
        problems += _axis(spec, path, axis, objects)
    return problems + list(_overlaps(spec.domain)) + list(_dims(spec))


def _robot(spec: TaskSpec, robot: RobotModel | None) -> Iterator[Problem]:
    """What the task says of a robot's joints and links."""
    if robot is None or spec.scene.robot is None:
        return
    links = [f"{ROBOT}/{link}" for link in robot.links]
    for name, camera in spec.cameras.items():
        mount = camera.mount or ""
        if mount.startswith(f"{ROBOT}/") and mount not in links:
            text = f"the robot has no link {mount}; {suggest(mount, links)}"
            yield Problem(("cameras", name, "mount"), text)
    home = spec.scene.robot.home
    if home is not None and len(home) != len(robot.arm_joints):
        text = f"has {len(home)} numbers for {len(robot.arm_joints)} joints; give one for each"
        yield Problem(("scene", "robot", "home"), text)
    elif home is not None:
        yield from _home(home, robot)
    if spec.env is not None and not robot.arm_joints:
        text = f"{robot.name} has no arm to drive; name an arm, and this as its gripper"
        yield Problem(("scene", "robot", "use"), text)
    if spec.env is not None and spec.env.control.gripper and robot.gripper is None:
        text = f"{robot.name} has no gripper to drive; mount one with scene.robot.gripper"
        yield Problem(("env", "control"), text)


def _home(home: tuple[float, ...], robot: RobotModel) -> Iterator[Problem]:
    """That every joint starts inside its limits."""
    for i, (value, name) in enumerate(zip(home, robot.arm_joints, strict=True)):
        low, high = robot.urdf.joint(name).lower, robot.urdf.joint(name).upper
        if not low <= value <= high:
            text = (
                f"{value:g} is outside the limits {low:g} to {high:g} of {name}; choose one inside"
            )
            yield Problem(("scene", "robot", "home", i), text)


def _sorted_classes(spec: TaskSpec, objects: Mapping[str, ObjectModel]) -> Iterator[Problem]:
    """That every class of the group has a zone, and every zone's class exists."""
    assert spec.success is not None
    rule = spec.success.sorted
    if rule is None:
        return
    named = named_objects(spec).items()
    names = [name for path, name in named if group_of(path, spec) == rule.actors]
    classes = {objects[name].spec.class_ for name in names}
    for class_ in rule.into:
        if class_ not in classes:
            text = f"no part of {rule.actors} is a {class_}; {suggest(class_, sorted(classes))}"
            yield Problem(("success", "sorted", "into", class_), text)
    if missing := sorted(classes - rule.into.keys()):
        text = f"says no zone for {', '.join(missing)}; add one for each class"
        yield Problem(("success", "sorted", "into"), text)


def _nominal_textures(spec: TaskSpec, objects: Mapping[str, ObjectModel]) -> Iterator[Problem]:
    for group, actors in spec.actors.items():
        if actors.texture is not None:
            known = [*_variants(spec, group, objects), *PROCEDURAL_TEXTURES]
            if actors.texture not in known:
                yield Problem(("actors", group, "texture"), _no_texture(actors.texture, known))


def _variants(spec: TaskSpec, group: str, objects: Mapping[str, ObjectModel]) -> list[str]:
    """Textures that at least one object of the group has."""
    named = named_objects(spec).items()
    names = [name for path, name in named if group_of(path, spec) == group]
    return sorted({variant for name in names for variant in objects[name].spec.textures})


def _no_texture(name: Any, known: list[str]) -> str:
    return f"no object of the group has texture {flow(name, cut=True)}; {suggest(str(name), known)}"


def _axis(
    spec: TaskSpec, path: str, axis: AxisSpec, objects: Mapping[str, ObjectModel]
) -> list[Problem]:
    try:
        target = place(spec, path)
    except Rejected as rejected:
        return [Problem(("domain", path), rejected.problems[0].text, at_key=True)]
    problems = list(_kind(path, axis, target)) + list(_each(path, axis))
    if problems:
        return problems
    for where, distribution in distributions(path, axis):
        problems += check_range(where, path, distribution, spec, objects)
    return problems


def check_range(
    where: tuple[Key, ...],
    path: str,
    distribution: Distribution,
    spec: TaskSpec,
    objects: Mapping[str, ObjectModel],
) -> list[Problem]:
    """What is wrong with drawing the value at ``path`` from a distribution that stands ``where``.

    Raises:
        Rejected: if there is no such path.
    """
    found = list(_form(where, path, distribution, place(spec, path)))
    found = found or list(_textures(where, path, distribution, spec, objects))
    return found or list(_ends(where, path, distribution, spec))


def _kind(path: str, axis: AxisSpec, target: Place) -> Iterator[Problem]:
    if target.kind == "fixed":
        text = "is one for the whole dataset and cannot vary; declare a second camera instead"
        yield Problem(("domain", path), text, at_key=True)
    elif axis.kind == "visual" and target.kind != "visual":
        text = "changes labels, so it cannot be visual; declare it semantic"
        yield Problem(("domain", path, "kind"), text)


def _each(path: str, axis: AxisSpec) -> Iterator[Problem]:
    if axis.each is None:
        return
    if _actor_key(path) not in EACH_ACTOR:
        known = ", ".join(EACH_ACTOR)
        text = f"each: actor works only under actors.<group>: {known}; remove each"
        yield Problem(("domain", path, "each"), text)
    elif axis.dim is not None:
        text = "an axis with each: actor has no Sobol dimension; remove dim"
        yield Problem(("domain", path, "dim"), text)


def _form(
    where: tuple[Key, ...], path: str, distribution: Distribution, target: Place
) -> Iterator[Problem]:
    form = distribution.form
    if form == "so3" and Rotation not in target.accepts:
        text = f"so3 needs an orientation, which {path} is not; use uniform or choice"
        yield Problem((*where, form), text)
    if form == "on_sphere" and Triple not in target.accepts:
        text = f"on_sphere needs a point [x, y, z], which {path} is not; use uniform or choice"
        yield Problem((*where, form), text)
    if form in ("uniform", "log_uniform") and isinstance(target.value, int):
        text = f"{path} is a whole number; use integers instead of {form}"
        yield Problem((*where, form), text)
    elif form in ("uniform", "log_uniform", "integers") and not _same_shape(distribution, target):
        if isinstance(target.value, BaseModel | Mapping):
            text = f"{path} is a mapping; vary a key below it, or use choice"
        else:
            text = f"{path} is {flow(target.value, cut=True)}; give low and high the same form"
        yield Problem((*where, form), text)
    if distribution.choice == "all" and _actor_key(path) not in ALL:
        text = "choice: all works only at actors.<group>.objects and .texture; list the values"
        yield Problem((*where, form), text)


def _same_shape(distribution: Distribution, target: Place) -> bool:
    """Whether a range draws as many numbers as there are; words and null are left to the model."""
    low, value = getattr(distribution, distribution.form)[0], target.value
    if isinstance(value, tuple):
        return isinstance(low, tuple) and len(low) == len(value)
    return not isinstance(value, BaseModel | Mapping | float | int) or (
        isinstance(value, float | int) and not isinstance(low, tuple)
    )


def _textures(
    where: tuple[Key, ...],
    path: str,
    distribution: Distribution,
    spec: TaskSpec,
    objects: Mapping[str, ObjectModel],
) -> Iterator[Problem]:
    if _actor_key(path) != "texture" or distribution.form != "choice":
        return
    known = _variants(spec, path.split(".")[1], objects)
    if distribution.choice == "all":
        if not known:
            text = "no object of the group has textures; remove the axis"
            yield Problem((*where, "choice"), text)
        return
    known = [*known, *PROCEDURAL_TEXTURES]
    for option_path, name in _options(distribution):
        if name is not None and name not in known:
            yield Problem((*where, "choice", *option_path), _no_texture(name, known))


def _options(distribution: Distribution) -> Iterable[tuple[tuple[Key, ...], Any]]:
    """The values of a choice, each with its path below ``choice``."""
    if isinstance(distribution.choice, Mapping):
        return [((option,), option) for option in distribution.choice]
    assert isinstance(distribution.choice, tuple)
    return [((i,), option) for i, option in enumerate(distribution.choice)]


def _ends(
    where: tuple[Key, ...], path: str, distribution: Distribution, spec: TaskSpec
) -> Iterator[Problem]:
    """What the model says to the lowest and the highest value, or to each option."""
    for below, value in extremes(distribution):
        try:
            replace(spec, {path: value})
        except Rejected as rejected:
            problem = rejected.problems[0]
            text = f"{flow(value, cut=True)} does not fit: {problem}"
            yield Problem((*where, distribution.form, *below), text)


def extremes(distribution: Distribution) -> Iterable[tuple[tuple[Key, ...], Any]]:
    """The lowest and the highest value, or each option, with its path below the form."""
    form = distribution.form
    value = getattr(distribution, form)
    if form == "choice":
        return [] if value == "all" else _options(distribution)
    if distribution.on_sphere is not None:
        x, y, z = distribution.on_sphere.center
        return [((), (x + radius, y, z)) for radius in distribution.on_sphere.radius_m]
    if form == "so3":
        return [((), {"xyzw": (0.0, 0.0, 0.0, 1.0)})]
    return [((i,), end) for i, end in enumerate(value)]


def _overlaps(domain: Mapping[str, AxisSpec]) -> Iterator[Problem]:
    for path in domain:
        for other in domain:
            if path.startswith(other + "."):
                text = f"lies inside {other}, which varies, too; remove one of the two axes"
                yield Problem(("domain", path), text, at_key=True)


def _dims(spec: TaskSpec) -> Iterator[Problem]:
    """Pinned Sobol dimensions that two axes would share, or that do not exist."""
    taken: dict[int, str] = {}
    for path, axis in spec.domain.items():
        if axis.dim is None:
            continue
        block = range(axis.dim, axis.dim + _width(axis))
        clash = next((dim for dim in block if dim in taken), None)
        free = max(taken, default=-1) + 1
        if clash is not None:
            text = f"Sobol dimension {clash} belongs to {taken[clash]}; write for example {free}"
            yield Problem(("domain", path, "dim"), text)
        elif block.stop > DIMS:
            text = f"needs Sobol dimensions {block.start} to {block.stop - 1} of {DIMS}; lower it"
            yield Problem(("domain", path, "dim"), text)
        taken.update(dict.fromkeys(block, path))


def _width(distribution: Distribution) -> int:
    """How many numbers in [0, 1) one draw takes."""
    if distribution.so3 is not None or distribution.on_sphere is not None:
        return 3
    if distribution.uniform is not None and isinstance(distribution.uniform[0], tuple):
        return len(distribution.uniform[0])
    return 1
