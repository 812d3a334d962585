"""Where a robot's links are for given joint positions, and which joint positions reach a pose.

A `Chain` is what lies between the base R and one frame G: the movable joints in order, and what is
rigid between them. All of it is numpy: no engine, no state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain as chain_of
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simenv import pose
from simenv.pose import Matrix

__all__ = ["NULL_GAIN", "Chain", "Reach", "damped", "pose_error", "solve_all"]

DAMPING = (
    0.02  # of least squares: keeps steps short near a singular pose; costs no accuracy at rest
)
REGULAR = DAMPING * DAMPING * np.eye(6)
NULL_GAIN = 0.1  # share of the way towards the rest posture that one step goes, where it is free
CLOSE_M, CLOSE_RAD = 1e-5, 1e-4  # a solution is this close
ITERATIONS = 100  # of one start; most solutions take under 20
STEP_RAD = 0.5  # largest joint step of one iteration


@dataclass(frozen=True, eq=False)
class Chain:
    """From the base R to a frame G, through n movable joints."""

    X_before: NDArray[np.float64]  # (n, 4, 4) from the frame before to joint i's, at position zero
    axes: NDArray[np.float64]  # (n, 3) unit, in the joint's frame
    turns: NDArray[np.bool_]  # (n,) revolute; else prismatic
    lower: NDArray[np.float64]  # (n,) rad or m
    upper: NDArray[np.float64]  # (n,)
    X_after: Matrix  # (4, 4) from the last joint's frame to G

    @cached_property
    def _cross(self) -> NDArray[np.float64]:
        """(n, 3, 3) the matrix K of each axis: K v = axis x v."""
        x, y, z = self.axes.T
        zero = np.zeros_like(x)
        rows = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]])
        return np.ascontiguousarray(np.moveaxis(rows, -1, 0))

    @cached_property
    def _square(self) -> NDArray[np.float64]:
        return self._cross @ self._cross

    def frames(self, q: NDArray[np.float64]) -> NDArray[np.float64]:
        """X_R of each joint's frame (n, 4, 4), moved by ``q`` (n,)."""
        sine = np.where(self.turns, np.sin(q), 0.0)[:, None, None]
        versine = np.where(self.turns, 1.0 - np.cos(q), 0.0)[:, None, None]
        moved = np.zeros((len(q), 4, 4))
        moved[:, 3, 3] = 1.0
        # Rodrigues: R = 1 + sin K + (1 - cos) K^2.
        own = sine * self._cross + versine * self._square
        moved[:, :3, :3] = np.eye(3) + own
        moved[:, :3, 3] = np.where(self.turns, 0.0, q)[:, None] * self.axes
        steps = self.X_before @ moved
        for i in range(1, len(q)):
            np.matmul(steps[i - 1], steps[i], out=steps[i])
        return steps

    def forward(self, q: ArrayLike) -> Matrix:
        """X_RG (4, 4) at ``q`` (n,)."""
        q = np.asarray(q, dtype=np.float64)
        return np.asarray(self.frames(q)[-1] @ self.X_after if len(q) else self.X_after)

    def jacobian(self, q: ArrayLike) -> tuple[Matrix, NDArray[np.float64]]:
        """X_RG (4, 4), and its derivative (6, n): linear then angular, axes of R, at G's origin."""
        frames = self.frames(np.asarray(q, dtype=np.float64))
        X_RG = frames[-1] @ self.X_after
        axes = (frames[:, :3, :3] @ self.axes[:, :, None])[:, :, 0]  # (n, 3) in R
        arms = X_RG[:3, 3] - frames[:, :3, 3]
        around = np.empty_like(arms)  # axes x arms; np.cross takes five times as long
        around[:, 0] = axes[:, 1] * arms[:, 2] - axes[:, 2] * arms[:, 1]
        around[:, 1] = axes[:, 2] * arms[:, 0] - axes[:, 0] * arms[:, 2]
        around[:, 2] = axes[:, 0] * arms[:, 1] - axes[:, 1] * arms[:, 0]
        turns = self.turns[:, None]
        columns = np.where(turns, around, axes), np.where(turns, axes, 0.0)
        return X_RG, np.concatenate(columns, axis=1).T

    def toward(
        self,
        q: NDArray[np.float64],
        X_RG: Matrix,
        *,
        rest: NDArray[np.float64],
        null_gain: float = NULL_GAIN,
        at: tuple[Matrix, NDArray[np.float64]] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """One damped least-squares step from ``q`` towards ``X_RG``, inside the limits.

        A joint that would leave its limits is held there and the others take over its share. What
        freedom is left pulls towards ``rest`` (n,) without moving G (null-space projection).
        Buss 2004, "Introduction to inverse kinematics". ``at`` is what `jacobian` says at ``q``,
        where that is known, in the frame of ``X_RG``.

        Returns:
            The joint positions (n,), and the error (6,) that ``q`` had: metres, then radians.
        """
        X_now, J = self.jacobian(q) if at is None else at
        error = pose_error(X_now, X_RG)
        pull = null_gain * (rest - q)
        new = q + _step(J, error, pull)
        free = (new >= self.lower) & (new <= self.upper)
        while not free.all():
            new = q + _step(J * free, error, pull * free)
            still = free & (new >= self.lower) & (new <= self.upper)
            if (still == free).all():
                break
            free = still
        return new.clip(self.lower, self.upper), error


@dataclass(frozen=True, eq=False)
class Reach:
    """Solves a chain for a pose: from several starts, away from limits, free of self-collision."""

    chain: Chain
    rest: NDArray[np.float64]  # (n,) the posture that the null space pulls to
    clear: Callable[[NDArray[np.float64]], bool] | None = None  # no link inside another at q?
    starts: int = 8  # how many starting points are tried before giving up

    def solve(
        self, X_RG: Matrix, *, near: ArrayLike | None = None, seed: int = 0
    ) -> NDArray[np.float64] | None:
        """Joint positions (n,) that bring G to ``X_RG`` within 10 um and 0.1 mrad, or None.

        The first try starts at ``near``, the next at the rest posture, later ones at random.
        """
        firsts = [] if near is None else [np.asarray(near, dtype=np.float64)]
        for q in islice(chain_of(firsts, [self.rest], self._random(seed)), self.starts):
            found = self._descend(q, X_RG)
            if found is not None and (self.clear is None or self.clear(found)):
                return found
        return None

    def _random(self, seed: int) -> Iterator[NDArray[np.float64]]:
        rng, chain = np.random.default_rng(seed), self.chain
        low, high = np.maximum(chain.lower, -np.pi), np.minimum(chain.upper, np.pi)
        while True:
            yield rng.uniform(low, high)

    def _descend(self, q: NDArray[np.float64], X_RG: Matrix) -> NDArray[np.float64] | None:
        for i in range(ITERATIONS):
            # The pull to the rest posture fades, or it would hold the solution off the target.
            gain = NULL_GAIN * max(0.0, 1.0 - 2.0 * i / ITERATIONS)
            new, error = self.chain.toward(q, X_RG, rest=self.rest, null_gain=gain)
            near_m, near_rad = np.linalg.norm(error[:3]), np.linalg.norm(error[3:])
            if near_m < CLOSE_M and near_rad < CLOSE_RAD:
                return q
            q = new
        return None


def solve_all(
    chain: Chain,
    X_RG: NDArray[np.float64],
    q: NDArray[np.float64],
    *,
    iterations: int = 40,
    close_m: float = 2e-4,
    close_rad: float = 2e-3,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Joint positions for many poses at once, from one start each.

    Args:
        chain: of n joints.
        X_RG: (N, 4, 4) wanted.
        q: (N, n) starts.
        iterations: damped least-squares steps, each cut off at the joints' limits.
        close_m: how near G is to the wanted place where it counts as reached.
        close_rad: and to the wanted direction.

    Returns:
        Joint positions (N, n), and which poses (N,) they reach.
    """
    q = np.clip(np.array(q, dtype=np.float64), chain.lower, chain.upper)
    done = np.zeros(len(q), dtype=np.bool_)
    left = np.arange(len(q))
    for _ in range(iterations):
        X, J = _jacobians(chain, q[left])
        error = _pose_errors(X, X_RG[left])
        near = np.linalg.norm(error[:, :3], axis=1) < close_m
        near &= np.linalg.norm(error[:, 3:], axis=1) < close_rad
        done[left[near]] = True
        left, J, error = left[~near], J[~near], error[~near]
        if not len(left):
            break
        square = J @ np.swapaxes(J, 1, 2) + REGULAR
        step = (np.swapaxes(J, 1, 2) @ np.linalg.solve(square, error[:, :, None]))[:, :, 0]
        largest = np.abs(step).max(axis=1, keepdims=True)
        step *= np.minimum(1.0, STEP_RAD / np.maximum(largest, 1e-12))
        q[left] = np.clip(q[left] + step, chain.lower, chain.upper)
    return q, done


def _jacobians(
    chain: Chain, q: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """X_RG (N, 4, 4) and J (N, 6, n), as `Chain.jacobian`, for each row of q (N, n)."""
    count, n = q.shape
    sine = np.where(chain.turns, np.sin(q), 0.0)[:, :, None, None]
    versine = np.where(chain.turns, 1.0 - np.cos(q), 0.0)[:, :, None, None]
    moved = np.zeros((count, n, 4, 4))
    moved[..., 3, 3] = 1.0
    moved[..., :3, :3] = np.eye(3) + sine * chain._cross + versine * chain._square
    moved[..., :3, 3] = np.where(chain.turns, 0.0, q)[:, :, None] * chain.axes
    frames = chain.X_before @ moved
    for i in range(1, n):
        frames[:, i] = frames[:, i - 1] @ frames[:, i]
    X = frames[:, -1] @ chain.X_after
    axes = (frames[..., :3, :3] @ chain.axes[:, :, None])[..., 0]  # (N, n, 3)
    around = np.cross(axes, X[:, None, :3, 3] - frames[..., :3, 3])
    turns = chain.turns[:, None]
    columns = np.where(turns, around, axes), np.where(turns, axes, 0.0)
    return X, np.swapaxes(np.concatenate(columns, axis=2), 1, 2)


def _pose_errors(X: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 6) as `pose_error`, row by row."""
    R = wanted[:, :3, :3] @ np.swapaxes(X[:, :3, :3], 1, 2)
    twist = np.stack([R[:, 2, 1] - R[:, 1, 2], R[:, 0, 2] - R[:, 2, 0], R[:, 1, 0] - R[:, 0, 1]], 1)
    cosine = np.clip((np.trace(R, axis1=1, axis2=2) - 1.0) / 2.0, -1.0, 1.0)
    sine = np.linalg.norm(twist, axis=1) / 2.0
    angle = np.arctan2(sine, cosine)
    # Near half a turn the axis is ill-defined here; the next step, from elsewhere, finds it.
    turn = twist / 2.0 * (angle / np.maximum(sine, 1e-9))[:, None]
    return np.concatenate([wanted[:, :3, 3] - X[:, :3, 3], turn], axis=1)


def damped(J: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Joint steps (k, n) that take away the errors (k, 6): damped least squares."""
    return np.asarray((J.T @ np.linalg.solve(J @ J.T + REGULAR, errors.T)).T)


def _step(
    J: NDArray[np.float64], error: NDArray[np.float64], pull: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The step (n,) that takes away ``error`` (6,), and else is ``pull`` (n,); never too long."""
    step = pull + damped(J, (error - J @ pull)[None])[0]
    largest = float(np.abs(step).max())
    return np.asarray(step if largest <= STEP_RAD else step * (STEP_RAD / largest))


def pose_error(X_RG: Matrix, wanted: Matrix) -> NDArray[np.float64]:
    """(6,) what is left from ``X_RG`` to ``wanted``: metres, then a rotation vector, axes of R."""
    error = np.empty(6)
    error[:3] = wanted[:3, 3] - X_RG[:3, 3]
    R = wanted[:3, :3] @ X_RG[:3, :3].T
    error[3:] = (R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1])
    cosine = 0.5 * (R[0, 0] + R[1, 1] + R[2, 2] - 1.0)
    if cosine > 0.9999:  # sin x = x: spares the square root and the arc
        error[3:] *= 0.5
    else:
        error[3:] = pose.rotation_vector(R)
    return error


def chain(joints: Sequence[tuple[Matrix, ArrayLike, str, float, float]], X_after: Matrix) -> Chain:
    """A chain from rows (X_before, axis, "revolute" or "prismatic", lower, upper)."""
    return Chain(
        X_before=np.array([row[0] for row in joints]).reshape(-1, 4, 4),
        axes=np.array([row[1] for row in joints], dtype=np.float64).reshape(-1, 3),
        turns=np.array([row[2] == "revolute" for row in joints], dtype=np.bool_),
        lower=np.array([row[3] for row in joints], dtype=np.float64),
        upper=np.array([row[4] for row in joints], dtype=np.float64),
        X_after=X_after,
    )
