"""Which labels depend on which factors by construction, so that it is no bias of the dataset."""

from __future__ import annotations

from simenv.audit.variable import Variable
from simenv.spec.task import Actors, TaskSpec

__all__ = ["OF_SHAPE", "expected"]

OF_SHAPE = ("class", "object", "face", "orientation")  # labels that follow from the object
COUNT = "parts"
ORIENTED = ("face", "orientation")
BY_SIZE = {
    "scale_px": "a larger part fills more of the picture",
    "distance_m": "the middle of a higher part is nearer to a camera above it",
    "visible_fraction": "a small part is hidden more easily than a large one",
    "neighbours": "it counts what is near by the part's own size",
}
BY_COUNT = {
    "scale_px": "more parts hide more of each other",
    "visible_fraction": "more parts hide more of each other",
    "neighbours": "more parts are nearer to each other",
}


def expected(task: TaskSpec, label: Variable, factor: Variable) -> str:
    """Why the two depend on each other whatever is drawn; empty where they need not."""
    if factor.role == "realised":
        known = BY_COUNT if label.name == COUNT else BY_SIZE
        return known.get(factor.name, "")
    path = factor.name.split(".")
    if path[0] != "actors":
        return ""
    key = ".".join(path[2:])
    if label.name == COUNT:
        return "it says how many parts there are" if key == "count" else ""
    if key == "objects":
        return "it says which objects there are"
    if key == "texture" and task.domain[factor.name].choice == "all":
        return "every object has textures of its own"
    if key == "count" and not _drawn_alike(task):
        return "it says how many parts there are of which objects"
    if key.startswith("spawn.orientation") and label.name in ORIENTED:
        return "it says how parts are turned at first"
    return ""


def _drawn_alike(task: TaskSpec) -> bool:
    """Whether every part is any of the same objects, however many there are."""
    groups = [name for name, actors in task.actors.items() if actors.role == "part"]
    return len(groups) == 1 and _draws(task, groups[0], task.actors[groups[0]])


def _draws(task: TaskSpec, name: str, actors: Actors) -> bool:
    axis = task.domain.get(f"actors.{name}.objects")
    one = isinstance(actors.objects, str) or len(set(actors.objects)) == 1
    return axis.each is not None or one if axis is not None else one
