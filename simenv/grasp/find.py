"""How a part and a gripper become a set of verified grasps: sample, spread, try, count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from simenv.errors import EngineError
from simenv.grasp.antipodal import LEAST_SPARE_M, antipodal
from simenv.grasp.candidate import Candidates
from simenv.grasp.cell import PROTOCOL, Cell, Protocol, Trial
from simenv.grasp.model import GraspSet
from simenv.grasp.perturb import SPREAD, Deviation, Spread, deviations
from simenv.grasp.spread import spread
from simenv.grasp.suction import suction
from simenv.grasp.surface import Surface
from simenv.spec.object import ObjectModel
from simenv.spec.robot import Jaw, RobotModel, Vacuum

__all__ = ["Wish", "candidates", "digest", "find", "judge", "why_none"]

POINTS = 4000  # on the surface, from which candidates grow
POOL = 20  # times as many candidates as grasps are looked at for collisions
BATCH = 64  # grasps are chosen before more candidates join: a larger count begins with the same
CHUNK = 4  # grasps that a worker tries at once

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Wish:
    """How many grasps, how often each is tried, under what."""

    count: int = 64
    trials: int = 20
    seed: int = 0
    spread: Spread = SPREAD
    protocol: Protocol = PROTOCOL


def find(
    hand: RobotModel,
    part: ObjectModel,
    wish: Wish = Wish(),
    *,
    jobs: int = 1,
    progress: Progress = lambda done, total: None,
) -> GraspSet:
    """Grasps of ``part`` by the gripper ``hand``, spread over it, each tried ``wish.trials`` times.

    The result is the same for any number of ``jobs``.

    Where geometry finds no place to hold it the set is empty; `why_none` says why.
    """
    own = candidates(hand, part, wish)
    rows = judge(hand, part, own.X_BG, own.opening_m, wish, jobs=jobs, progress=progress)
    outcome = np.array([[trial.outcome for trial in row] for row in rows], dtype=np.int8)
    outcome = outcome.reshape(-1, wish.trials)
    numbers = np.array([[(t.motion_m, t.slip_m, t.turn_rad) for t in row] for row in rows])
    numbers = numbers.reshape(-1, wish.trials, 3)
    held = (outcome == 0)[:, :, None]
    tried = np.maximum(held.sum(axis=1), 1)
    mean = np.where(held.any(axis=1), np.where(held, numbers, 0.0).sum(axis=1) / tried, np.nan)
    return GraspSet(
        object=part.spec.name,
        gripper=hand.gripper_name,
        kind="jaw" if isinstance(hand.gripper, Jaw) else "vacuum",
        X_BG=own.X_BG,
        width_m=own.width_m,
        opening_m=own.opening_m,
        contacts_B=own.contacts_B,
        normals_B=own.normals_B,
        quality=own.quality,
        outcome=outcome,
        motion_m=mean[:, 0].astype(np.float32),
        slip_m=mean[:, 1].astype(np.float32),
        turn_rad=mean[:, 2].astype(np.float32),
        settings={
            "seed": wish.seed,
            "spread": asdict(wish.spread),
            "protocol": _protocol(wish.protocol),
            "part_sha256": digest(part),
        },
    )


def _protocol(protocol: Protocol) -> dict[str, object]:
    rest = {key: value for key, value in vars(protocol).items() if key != "physics"}
    return {**rest, "physics": protocol.physics.model_dump(mode="json")}


def digest(part: ObjectModel) -> str:
    """SHA-256 of what a grasp depends on: surface, hulls, mass, friction."""
    text = json.dumps(
        part.spec.model_dump(
            mode="json", include={"mass_kg", "com_m", "inertia_kg_m2", "friction", "restitution"}
        ),
        sort_keys=True,
    )
    own = hashlib.sha256(text.encode())
    for array in (part.mesh.vertices, part.mesh.faces, *part.hulls):
        own.update(np.ascontiguousarray(array).tobytes())
    if not isinstance(part.spec.collision, str):
        own.update(repr(part.spec.collision).encode())
    return own.hexdigest()


def why_none(hand: RobotModel, part: ObjectModel) -> str:
    """Why a gripper finds no place on a part, in words."""
    if isinstance(hand.gripper, Jaw):
        least = float(np.sort(part.mesh.extents)[0])
        opening, spare = hand.gripper.opening_m[1], 2 * LEAST_SPARE_M
        if least > opening - spare:
            return (
                f"it is {least * 1e3:.0f} mm wide where it is least, and the jaw opens to "
                f"{opening * 1e3:.0f} mm, of which {spare * 1e3:.0f} mm are to spare"
            )
        return "no two sides face each other within its opening and the friction of its pads"
    return "nowhere is it as flat and as large as the lip"


def candidates(hand: RobotModel, part: ObjectModel, wish: Wish) -> Candidates:
    """What geometry proposes: ``wish.count`` grasps that meet nothing on their way in."""
    surface = Surface(part.mesh)
    gripper = hand.gripper
    if isinstance(gripper, Jaw):
        pads = max((hand.friction[link].lateral for link in gripper.pads), default=0.5)
        found = antipodal(
            surface,
            gripper,
            friction=pads * part.spec.friction.lateral,
            tip_m=hand.tip_m,
            count=POINTS,
            seed=wish.seed,
        )
    else:
        assert isinstance(gripper, Vacuum)
        com, _ = part.mass_properties
        found = suction(
            surface, gripper, com=com, mass_kg=part.spec.mass_kg, count=POINTS, seed=wish.seed
        )
    jaw = isinstance(gripper, Jaw)
    rng = np.random.default_rng([wish.seed, 3])
    whole = BATCH * -(-wish.count // BATCH)
    found = found.of(rng.permutation(len(found))[: POOL * whole])
    since = np.arange(len(found)) // (POOL * BATCH) * BATCH
    with Cell(hand, part, wish.protocol) as cell:
        free = np.array(
            [
                not cell.meets(X_BG, opening)
                for X_BG, opening in zip(found.X_BG, found.opening_m, strict=True)
            ],
            dtype=np.bool_,
        )
    found = found.of(free)
    rows = spread(
        found.X_BG,
        found.quality,
        wish.count,
        part.spec.symmetry,
        jaw=jaw,
        scale_m=part.diameter_m / 4,
        since=since[free],
    )
    return found.of(rows)


def judge(
    hand: RobotModel,
    part: ObjectModel,
    X_BG: NDArray[np.float64],
    opening_m: NDArray[np.float64],
    wish: Wish,
    *,
    jobs: int = 1,
    progress: Progress = lambda done, total: None,
) -> list[list[Trial]]:
    """Trials of each grasp, ``wish.trials`` a row: in this process, or spread over ``jobs``."""
    ways = deviations(wish.trials, wish.seed, wish.spread)
    plans = list(zip(X_BG, opening_m, strict=True))
    if jobs <= 1 or not plans:
        with Cell(hand, part, wish.protocol) as cell:
            return list(_counted(_tried(cell, plans, ways), len(plans), progress))
    return _in_workers(hand, part, plans, ways, wish.protocol, jobs, progress)


Plan = tuple[NDArray[np.float64], float]


def _tried(cell: Cell, plans: list[Plan], ways: list[Deviation]) -> Iterator[list[Trial]]:
    for X_BG, opening in plans:
        yield [cell.trial(X_BG, float(opening), way) for way in ways]


def _counted(rows: Iterator[list[Trial]], total: int, progress: Progress) -> Iterator[list[Trial]]:
    for done, row in enumerate(rows, start=1):
        progress(done, total)
        yield row


class _Worker:
    """What a worker process keeps from chunk to chunk."""

    cell: Cell | None = None


def _begin_worker(hand: RobotModel, part: ObjectModel, protocol: Protocol) -> None:
    _Worker.cell = Cell(hand, part, protocol)


def _work(plans: list[Plan], ways: list[Deviation]) -> list[list[Trial]]:
    assert _Worker.cell is not None
    return list(_tried(_Worker.cell, plans, ways))


def _in_workers(
    hand: RobotModel,
    part: ObjectModel,
    plans: list[Plan],
    ways: list[Deviation],
    protocol: Protocol,
    jobs: int,
    progress: Progress,
) -> list[list[Trial]]:
    from pebble import ProcessPool

    chunks = [plans[k : k + CHUNK] for k in range(0, len(plans), CHUNK)]
    rows: list[list[Trial]] = []
    with ProcessPool(
        min(jobs, len(chunks)),
        context=get_context("spawn"),
        initializer=_begin_worker,
        initargs=(hand, part, protocol),
    ) as pool:
        futures = [pool.schedule(_work, args=(chunk, ways)) for chunk in chunks]
        try:
            for future in futures:
                rows += future.result()
                progress(len(rows), len(plans))
        except KeyboardInterrupt:
            pool.stop()  # type: ignore[no-untyped-call]
            raise
        except Exception as error:
            pool.stop()  # type: ignore[no-untyped-call]
            raise EngineError(f"a worker failed: {type(error).__name__}: {error}") from error
    return rows
