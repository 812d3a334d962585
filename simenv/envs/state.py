"""What is known at the end of a step: parts and gripper, before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv.envs.control import Tool
from simenv.physics.simulation import Motion

__all__ = ["State"]


@dataclass(frozen=True, eq=False)
class State:
    """One moment of an episode."""

    parts: Motion
    tool: Tool
    held: int  # row of the part in the gripper; -1: none
    time_s: float

    @property
    def grip_W(self) -> NDArray[np.float64]:
        """(3,) where the gripper holds."""
        return self.tool.X_WG[:3, 3]
