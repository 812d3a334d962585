"""What an action does: numbers in [-1, 1] become speeds of joints, and a wanted pose an action.

The arm is driven by resolved rates: with the Jacobian at the joints' present positions, the speeds
that bring the gripper from where it is to where it should be in the time of one step. Motors hold
speeds exactly, so what is asked for is what happens, within the limits of joints and effort.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.kinematics import NULL_GAIN, damped, pose_error
from simenv.physics.gripper import Grip
from simenv.physics.robot import RobotBody
from simenv.physics.simulation import Simulation
from simenv.pose import Matrix
from simenv.spec.environment import Control
from simenv.spec.robot import RobotModel

__all__ = ["Driver", "Tool", "action_size"]

LEASH = 1.5  # steps that the commanded pose may be ahead of the real one; then it waits
BRAKE_SHARE = 0.5  # of a motor's effort is used to brake; the rest is for gravity and load
STILL = 1e-9  # rad/s or m/s; keeps a quotient finite
LIMIT_MARGIN = 1e-3  # rad or m, kept to the joints' limits


@dataclass(frozen=True, eq=False)
class Tool:
    """Where the gripper is and how it moves, at the end of a step; world axes."""

    X_WG: Matrix  # (4, 4)
    velocity: NDArray[np.float64]  # (6,) m/s and rad/s of G
    q: NDArray[np.float64]  # (n,) of the arm
    speed: NDArray[np.float64]  # (n,)
    fingers: NDArray[np.float64]  # (m,) positions of the gripper's joints
    width: float  # of the gripper: 0 closed or sucking, 1 open or released
    jacobian: NDArray[np.float64]  # (6, n) of the arm


def action_size(control: Control, model: RobotModel) -> int:
    """How many numbers an action has."""
    turns = {"none": 0, "yaw": 1, "full": 3}[control.rotation]
    arm = 3 + turns if control.kind == "ee_delta" else len(model.arm_joints)
    return arm + int(control.gripper and model.gripper is not None)


class Driver:
    """Drives the robot of one simulation."""

    def __init__(self, simulation: Simulation, control: Control, step_s: float) -> None:
        assert simulation.robot is not None
        self.control, self.step_s = control, step_s
        self.robot: RobotBody = simulation.robot
        self.grip: Grip | None = simulation.grip
        self.model = self.robot.robot.model
        self._count = len(self.model.arm_joints)
        self._rest = np.array([self.robot.robot.q[name] for name in self.model.arm_joints])
        chain = self.model.chain
        self._lower, self._upper = chain.lower + LIMIT_MARGIN, chain.upper - LIMIT_MARGIN
        self._brake = BRAKE_SHARE * self.robot.acceleration() * step_s  # of speed, in one step
        self._drives_grip = control.gripper and self.grip is not None
        self.width = control.opening
        self.tool = self.look()
        self.X_WG = self.tool.X_WG  # commanded

    def look(self) -> Tool:
        """Where the gripper is now."""
        (q, speed), X_WG, jacobian = self.robot.reading()
        n = self._count
        velocity, fingers = jacobian @ speed[:n], q[n:]
        width = 1.0 if self.grip is None else self.grip.width_at(fingers)
        self.tool = Tool(X_WG, velocity, q[:n], speed[:n], fingers, width, jacobian)
        return self.tool

    def apply(self, action: NDArray[np.float32]) -> None:
        """Set the motors for the next step; call `look` after it."""
        numbers = np.asarray(action, dtype=np.float64).clip(-1.0, 1.0)
        if self._drives_grip:
            self.width = float(numbers[-1] + 1.0) / 2.0
            numbers = numbers[:-1]
        speed = self._arm(numbers)
        fingers = self.tool.fingers
        closing = [] if self.grip is None else self.grip.close(self.width, fingers, self.step_s)
        self.robot.drive([*speed.tolist(), *closing])

    def _arm(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Speeds (n,) of the arm's joints."""
        kind = self.control.kind
        if kind == "joint_velocity":
            return self._inside(numbers * self.model.speed)
        if kind == "joint_position":
            lower, upper = self._range()
            goal = lower + (numbers + 1.0) / 2.0 * (upper - lower)
            return self._inside(self._speed(goal - self.tool.q))
        before = self.X_WG
        self.X_WG = self._commanded(numbers)
        tool = self.tool
        J, pull = tool.jacobian, NULL_GAIN * (self._rest - tool.q)
        errors = np.array([pose_error(tool.X_WG, self.X_WG) - J @ pull, self._move(before)])
        whole, asked = damped(J, errors)
        goal = tool.q + pull + whole
        if (goal < self._lower).any() or (goal > self._upper).any():
            goal = self._toward(self.X_WG)
        return self._speed(goal - tool.q, asked)

    def _move(self, before: Matrix) -> NDArray[np.float64]:
        """(6,) by how much the commanded pose has moved: metres, then radians."""
        move = np.zeros(6)
        move[:3] = self.X_WG[:3, 3] - before[:3, 3]
        if self.control.rotation != "none":
            move[3:] = pose.rotation_vector(self.X_WG[:3, :3] @ before[:3, :3].T)
        return move

    def _speed(
        self, error: NDArray[np.float64], asked: NDArray[np.float64] | float = 0.0
    ) -> NDArray[np.float64]:
        """What brings the joints (n,) nearer in one step, all slowed by the one that must be.

        What the action itself ``asked`` for is done within the step, so that a moving part can be
        followed without lag. What is left from steps before is made up for no faster than a motor
        can stop in the rest of the way: v^2 <= 2 a (e - v T).
        """
        left, brake = (error - asked) / self.step_s, self._brake
        stops = np.sqrt(brake * (brake + 2.0 * np.abs(left))) - brake + STILL
        speed = asked / self.step_s + left / max(1.0, float(np.abs(left / stops).max()))
        excess = float(np.abs(speed / self.model.speed).max())
        return speed / excess if excess > 1.0 else speed

    def _toward(self, X_WG: Matrix) -> NDArray[np.float64]:
        """Joint positions (n,) one least-squares step nearer to a pose."""
        tool = self.tool
        at = (tool.X_WG, tool.jacobian)
        return self.model.chain.toward(tool.q, X_WG, rest=self._rest, at=at)[0]

    def _range(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Joint positions that -1 and 1 mean: the limits, at most a turn to each side."""
        return np.maximum(self._lower, -2 * np.pi), np.minimum(self._upper, 2 * np.pi)

    def _inside(self, speed: NDArray[np.float64]) -> NDArray[np.float64]:
        """No faster than to the limits within the step."""
        low = (self._lower - self.tool.q) / self.step_s
        high = (self._upper - self.tool.q) / self.step_s
        return np.clip(speed, np.minimum(low, 0.0), np.maximum(high, 0.0))

    def _commanded(self, numbers: NDArray[np.float64]) -> Matrix:
        """The pose that the gripper is to have at the end of the step."""
        control = self.control
        reach = control.translation_m
        X_WG = self.X_WG.copy()
        p = X_WG[:3, 3] + reach * numbers[:3]
        here = self.tool.X_WG[:3, 3]
        p = p.clip(here - LEASH * reach, here + LEASH * reach)
        if control.low_m is not None:
            p = np.maximum(p, control.low_m)
        if control.high_m is not None:
            p = np.minimum(p, control.high_m)
        X_WG[:3, 3] = p
        if len(turn := numbers[3:]):
            turn = math.radians(control.rotation_deg) * turn
            vector = (0.0, 0.0, turn[0]) if len(turn) == 1 else turn
            X_WG[:3, :3] = _turned(vector) @ X_WG[:3, :3]
        return X_WG

    def encode(self, X_WG: Matrix, width: float) -> NDArray[np.float32]:
        """The action that brings the gripper to a pose and width, or as near as one step goes."""
        numbers = self._encode_arm(X_WG)
        if self._drives_grip:
            numbers = np.append(numbers, 2.0 * width - 1.0)
        return np.clip(numbers, -1.0, 1.0).astype(np.float32)

    def _encode_arm(self, X_WG: Matrix) -> NDArray[np.float64]:
        control = self.control
        if control.kind == "ee_delta":
            shift = (X_WG[:3, 3] - self.X_WG[:3, 3]) / control.translation_m
            # As a straight line: no axis is cut off by itself.
            shift = shift / max(1.0, float(np.abs(shift).max()))
            turn = pose.rotation_vector(X_WG[:3, :3] @ self.X_WG[:3, :3].T)
            turn = turn / np.radians(control.rotation_deg)
            turns = {"none": turn[:0], "yaw": turn[2:], "full": turn}[control.rotation]
            return np.concatenate([shift, np.clip(turns, -1.0, 1.0)])
        wanted = self._toward(X_WG)
        if control.kind == "joint_velocity":
            return self._speed(wanted - self.tool.q) / self.model.speed
        lower, upper = self._range()
        return 2.0 * (wanted - lower) / (upper - lower) - 1.0


def _turned(vector: NDArray[np.float64] | tuple[float, float, float]) -> NDArray[np.float64]:
    """The rotation (3, 3) by a rotation vector (3,), radians."""
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    axis = np.asarray(vector) / angle * np.sin(angle / 2)
    return pose.from_quaternion((*axis, np.cos(angle / 2)))[:3, :3]
