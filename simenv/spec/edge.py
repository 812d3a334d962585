"""What a row of ``edge_cases:`` may say: how a rare scene is built, and what it must then show."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from simenv.spec.domain import Distribution
from simenv.spec.model import Misplaced, Name, Spec

__all__ = ["BUILDERS", "EdgeCase", "Guarantee", "Range"]

Builder = Literal["border", "overhang", "stack", "standing", "twins", "upside_down", "wrong_item"]
BUILDERS: dict[Builder, tuple[str, ...]] = {  # keys that a builder knows beside group and objects
    "border": ("camera",),
    "overhang": (),
    "stack": ("cover",),
    "standing": (),
    "twins": (),
    "upside_down": (),
    "wrong_item": (),
}
OWN_KEYS = ("camera", "cover")  # of some builders only

Names = Name | tuple[Name, ...]


class Range(Spec):
    """From ``min`` to ``max``, both included; one of them is enough."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Range:
        if self.min is None and self.max is None:
            raise ValueError("has neither min nor max; give one, for example {min: 1}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise Misplaced(("min",), f"{self.min:g} is above max {self.max:g}; swap them")
        return self


class Guarantee(Spec):
    """What the labels of an accepted scene show, judged when they are made.

    In ``frames`` frames, in ``cameras`` cameras, as many parts as ``parts`` says meet everything
    that is said of a part, and the picture what is said of a picture.
    """

    objects: Names | None = None
    """Of a part: it is one of these."""
    visible_fraction: Range | None = None
    px_visible: Range | None = None
    truncation: Range | None = None
    """Of a part: how much of its silhouette is outside the picture, 0..1."""
    touching_same_object: Literal[True] | None = None
    """Of a part: its surface is within 1 mm of that of another part of the same object."""
    overhang_m: Range | None = None
    """Of a part: how far it reaches over the edge of the belt or table that carries its weight."""
    tilt_deg: Range | None = None
    """Of a part: angle between its own z axis and up."""
    speed_m_s: Range | None = None
    speed_change_m_s: Range | None = None
    """Of a part: its highest speed less its lowest, over the frames of the scene."""
    brightness: Range | None = None
    """Of a picture: mean luma of rgb, 0 black, 1 white."""
    saturated: Range | None = None
    """Of a picture: share of its pixels that have a channel of 250 or more."""
    parts: Range = Range(min=1)
    cameras: Annotated[int, Field(ge=1)] = 1
    frames: Annotated[int, Field(ge=1)] = 1

    @property
    def items(self) -> tuple[str, ...]:
        """The names in ``objects``."""
        return _listed(self.objects)

    @model_validator(mode="after")
    def _says_something(self) -> Guarantee:
        if not self.model_fields_set:
            raise ValueError("is empty; say what the labels show, for example {parts: {min: 2}}")
        return self


class EdgeCase(Spec):
    """A rare scene: parts that are built into it, values that replace those of the domain."""

    build: Builder | None = None
    """Where parts start, by construction."""
    group: Name | None = None
    """Whose parts; default: the first group."""
    objects: Names | None = None
    """What is built; default: what the group has and the builder can use."""
    cover: Names | None = None
    """What lies on top of a stack; default: the largest of the group."""
    camera: Name | None = None
    """Whose border it is; default: the first camera."""
    set: dict[str, Distribution] = {}
    """Path of the task -> what it draws from in these scenes."""
    guarantee: Guarantee

    @property
    def items(self) -> tuple[str, ...]:
        """The objects to build, () for the default."""
        return _listed(self.objects)

    @property
    def covers(self) -> tuple[str, ...]:
        """The objects to lie on top, () for the default."""
        return _listed(self.cover)

    @model_validator(mode="after")
    def _keys_fit(self) -> EdgeCase:
        known = () if self.build is None else ("group", "objects", *BUILDERS[self.build])
        for key in ("group", "objects", *OWN_KEYS):
            if getattr(self, key) is not None and key not in known:
                way_out = "remove it" if self.build else "add build, or remove it"
                text = f"means nothing to {self.build or 'a case without build'}; {way_out}"
                raise Misplaced((key,), text)
            if getattr(self, key) == ():
                raise Misplaced((key,), "is empty; name at least one, or remove it")
        if self.build == "wrong_item" and self.objects is None:
            text = "wrong_item needs objects; name what is not in the group's list"
            raise Misplaced(("build",), text)
        return self


def _listed(names: Names | None) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names or ()
