"""What makes a task an environment: how the robot is controlled, what success is, what is seen.

The `env:` and `success:` sections of a task file.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from simenv.spec.model import Misplaced, Name, Pair, Positive, Spec, Unsigned

__all__ = [
    "Carried",
    "Control",
    "Environment",
    "Placed",
    "Pushed",
    "Reward",
    "Sorted",
    "Stacked",
    "Success",
]


class _Wanted(Spec):
    actors: Name
    """The group that it is about."""


class Carried(_Wanted):
    """A part is brought to a point in the air: above ``zone``, drawn anew for each scene."""

    zone: Name
    height_m: Pair = (0.05, 0.25)
    """Of the point over the zone's plane: lowest and highest."""
    tolerance_m: Positive = 0.05


class Pushed(_Wanted):
    """A part is slid to a point of ``zone``, drawn anew for each scene."""

    zone: Name
    tolerance_m: Positive = 0.04
    distance_m: Pair = (0.0, 10.0)
    """From where the part starts to the point: the least and the most that is drawn."""


class Placed(_Wanted):
    """Parts lie inside ``zone``, none of them held."""

    zone: Name
    which: Literal["any", "all"] = "any"
    height_m: Positive = 0.25
    """Of the room over the zone's plane that counts as inside."""


class Sorted(_Wanted):
    """Every part lies in the zone of its class, none of them held."""

    into: dict[Name, Name]
    """class: zone."""
    height_m: Positive = 0.25

    @model_validator(mode="after")
    def _some(self) -> Sorted:
        if not self.into:
            raise Misplaced(("into",), "is empty; name the zone of each class")
        return self


class Stacked(_Wanted):
    """The group's parts stand on each other, the first lowest, none of them held."""

    tolerance_m: Positive = 0.02
    """Sideways, from the middle of the part below."""


class Success(Spec):
    """What the agent is to reach: exactly one of these."""

    carried: Carried | None = None
    pushed: Pushed | None = None
    placed: Placed | None = None
    sorted: Sorted | None = None
    stacked: Stacked | None = None

    @model_validator(mode="after")
    def _one(self) -> Success:
        given = [key for key in type(self).model_fields if getattr(self, key) is not None]
        if len(given) != 1:
            known = ", ".join(type(self).model_fields)
            got = " and ".join(given) or "none"
            raise ValueError(f"must have exactly one of {known}, got {got}; keep one")
        return self

    @property
    def rule(self) -> Carried | Pushed | Placed | Sorted | Stacked:
        """The one that is given."""
        rules = (self.carried, self.pushed, self.placed, self.sorted, self.stacked)
        return next(rule for rule in rules if rule is not None)


class Control(Spec):
    """What the numbers of an action do; each is in [-1, 1]."""

    kind: Literal["ee_delta", "joint_position", "joint_velocity"] = "ee_delta"
    """The gripper's pose moves by the action; the joints go where it says; as fast as it says."""
    translation_m: Positive = 0.05
    """What 1 moves the gripper by in one step (ee_delta)."""
    rotation: Literal["none", "yaw", "full"] = "yaw"
    """Which turns are free (ee_delta)."""
    rotation_deg: Positive = 15.0
    """What 1 turns the gripper by in one step (ee_delta)."""
    low_m: tuple[float, float, float] | None = None
    """The gripper stays above this corner of a box, in the world (ee_delta)."""
    high_m: tuple[float, float, float] | None = None
    """And below this one."""
    gripper: bool = True
    """Whether the last number drives the gripper: 1 opens or releases, -1 closes or sucks."""
    opening: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Of the jaw at the start; for good where the gripper is not driven."""


class Reward(Spec):
    """What a step is worth."""

    kind: Literal["sparse", "shaped"] = "sparse"
    """Sparse: 1 with success, else 0. Shaped: the sum of the terms by weight."""
    reach: Unsigned = 0.1
    """Weight of: how near the gripper is to the part, 0..1."""
    grasp: Unsigned = 0.1
    """Weight of: the part is held."""
    goal: Unsigned = 0.3
    """Weight of: how near the part is to where it should be, 0..1."""
    success: Unsigned = 1.0
    """Weight of: done."""


class Environment(Spec):
    """`env:`: the same domain as a Gymnasium environment."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+/[A-Za-z0-9_]+-v[0-9]+$")] | None = None
    """What the environment is registered as; for the reader."""
    max_steps: Annotated[int, Field(ge=1, le=100_000)] = 100
    rate_hz: Annotated[float, Field(gt=0, le=1000)] = 20.0
    """Actions a second."""
    control: Control = Control()
    reward: Reward = Reward()
    settle: bool = True
    """Whether parts have come to rest before the agent begins; else they start where they spawn."""
    camera: Name | None = None
    """Whose pictures are observed and rendered; default: the first."""
