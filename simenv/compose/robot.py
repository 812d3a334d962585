"""Where the robot stands when the scene begins: each link that can be seen is a body."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simenv.scene import Body, Robot
from simenv.spec.object import Friction, ObjectModel
from simenv.spec.robot import RobotModel
from simenv.spec.task import ROBOT, TaskSpec

__all__ = ["links", "robot"]


def robot(spec: TaskSpec, model: RobotModel, *, first_row: int) -> Robot:
    """The robot at its start; its links are bodies from ``first_row`` on."""
    use = spec.scene.robot
    assert use is not None
    opening = 1.0 if spec.env is None else spec.env.control.opening
    q = model.start(opening)
    if use.home is not None:
        q |= dict(zip(model.arm_joints, use.home, strict=True))
    rows = {link: first_row + k for k, link in enumerate(model.links)}
    return Robot(model, use.X_WR.X_AB, q, rows)


def links(own: Robot, *, first_id: int) -> Iterator[tuple[Body, ObjectModel]]:
    """Every link of the robot that can be seen, with ids from ``first_id``."""
    X_RL = own.model.urdf.poses(own.q)
    for identity, (name, model) in enumerate(own.model.links.items(), start=first_id):
        yield (
            Body(
                id=identity,
                name=f"{ROBOT}/{name}",
                group=ROBOT,
                object=model.spec.name,
                X_WB=np.asarray(own.X_WR @ X_RL[name]),
                fixed=True,
                friction=own.model.friction.get(name, Friction()),
                color=own.model.color(name),
                role=ROBOT,
            ),
            model,
        )
