"""How every YAML model behaves: strict, closed, frozen; and the field types they share.

Sequences are tuples everywhere (the loader turns YAML lists into tuples), so that a model is a
value: frozen, comparable, safe to share.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simenv import pose

__all__ = [
    "Color",
    "Misplaced",
    "Name",
    "Pair",
    "Placement",
    "Positive",
    "Rotation",
    "Spec",
    "Triple",
    "Unit",
    "Unsigned",
    "fixed",
    "visual",
]

Positive = Annotated[float, Field(gt=0)]
Unsigned = Annotated[float, Field(ge=0)]
Unit = Annotated[float, Field(ge=0, le=1)]
Pair = tuple[float, float]
Triple = tuple[float, float, float]
Color = tuple[Unit, Unit, Unit]  # red, green, blue
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Spec(BaseModel):
    """Base of all YAML models: no coercion, no unknown keys, no NaN, no change after validation."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class Misplaced(ValueError):
    """Raised by a validator of a model for the value at ``path`` below it."""

    def __init__(self, path: tuple[str | int, ...], text: str) -> None:
        super().__init__(text)
        self.path = path


def visual(default: Any, **constraints: Any) -> Any:
    """A field that can change pixels but no label; `domain:` may vary it with ``kind: visual``."""
    return Field(default, json_schema_extra={"kind": "visual"}, **constraints)


def fixed(default: Any = ..., **constraints: Any) -> Any:
    """A field that is one for a whole dataset, so that `domain:` cannot vary it."""
    return Field(default, json_schema_extra={"kind": "fixed"}, **constraints)


class Rotation(Spec):
    """An orientation, as ``rpy_deg`` (URDF order, degrees) or as a quaternion ``xyzw``."""

    rpy_deg: Triple | None = None
    xyzw: tuple[float, float, float, float] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "Rotation":
        if (self.rpy_deg is None) == (self.xyzw is None):
            raise ValueError("must have one of rpy_deg and xyzw; remove or add one")
        if self.xyzw is not None and not 0.5 < sum(x * x for x in self.xyzw) < 2.0:
            raise Misplaced(("xyzw",), "must have length 1; divide it by its length")
        return self

    def X_AB(self, p_AB: Triple = (0.0, 0.0, 0.0)) -> pose.Matrix:
        """The pose with this rotation at ``p_AB``, (4, 4)."""
        if self.xyzw is not None:
            return pose.from_quaternion(self.xyzw, p_AB)
        assert self.rpy_deg is not None
        return pose.from_rpy_deg(self.rpy_deg, p_AB)


class Placement(Spec):
    """Where a frame stands in another: position in metres, roll, pitch, yaw in degrees (URDF)."""

    p: Triple = (0.0, 0.0, 0.0)
    rpy_deg: Triple = (0.0, 0.0, 0.0)

    @property
    def X_AB(self) -> pose.Matrix:
        """The pose, (4, 4)."""
        return pose.from_rpy_deg(self.rpy_deg, self.p)
