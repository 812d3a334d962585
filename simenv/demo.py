"""How demonstrations come to be: the scripted expert acts in a task's scenes, one file an episode.

Episode k is scene k of the seed, whatever ran before it. So a run that was cut short goes on where
it was, and the same arguments give the same files.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from simenv.dataset.demo import FORMAT, Episode, episode_paths, read_outcome, write_episode
from simenv.dataset.disk import part, replace_file
from simenv.dataset.lock import Lock, identify
from simenv.envs.env import TaskEnv
from simenv.envs.expert import Expert
from simenv.errors import InputError
from simenv.reading import read_json
from simenv.render.choose import resolve
from simenv.spec.explain import suggest

__all__ = ["KEEP", "LEFT_OUT", "Stage", "Summary", "record"]

KEEP = ("all", "success")
LEFT_OUT = "left_out.json"  # in the folder: number -> why there is no such episode
FAILED, RESTLESS = "failed", "never at rest"
ANY_TASK = "simenv/Task-v0"  # the environment that takes the task as an argument


@dataclass(frozen=True)
class Summary:
    """What a folder of demonstrations holds after a run."""

    folder: Path
    episodes: int
    successes: int
    steps: int
    found: int  # episodes that were there before
    left_out: Mapping[int, str]  # number -> why

    @property
    def text(self) -> str:
        """All of it in a line."""
        found = f"; {self.found} were there already" if self.found else ""
        reasons = sorted(Counter(self.left_out.values()).items())
        return (
            f"{self.folder}: {self.episodes} episodes, {self.successes} successes, "
            f"{self.steps} steps{found}"
        ) + "".join(f"; left out: {count} {reason}" for reason, count in reasons)


def record(
    task: str | Path,
    out: str | Path,
    *,
    episodes: int,
    seed: int = 0,
    tier: str = "core",
    images: Sequence[str] = (),
    renderer: str = "auto",
    keep: str = "all",
    progress: Callable[[int], None] = lambda done: None,
) -> Summary:
    """Record episodes 0 to ``episodes`` - 1 into the folder ``out``, or finish what is there.

    Args:
        task: a name in the catalog, or a task file; it must have an `env:`.
        out: a folder; a run with the same arguments, or for more episodes, goes on in it.
        episodes: how many scenes are tried. One whose parts never rest has no episode.
        seed: of everything random.
        tier: ``core``, ``edge`` or ``all``.
        images: what is seen beside the state: ``rgb``, ``depth``, ``instance``.
        renderer: ``auto``, ``egl``, ``tiny`` or ``raster``; of ``images`` alone.
        keep: ``all``, or ``success``: an episode that fails is left out, and counted.
        progress: is called with how many episodes are done, first with those found there.

    Raises:
        InputError: an argument is wrong, or ``out`` holds something else.
        Locked: another run is writing to ``out``.
        StorageError: the disk refused; what was recorded stays.
    """
    if not str(out):
        raise InputError("--out: is empty; name a folder")
    if episodes < 1:
        raise InputError(f"--episodes: {episodes} makes no demonstrations; ask for 1 or more")
    if keep not in KEEP:
        raise InputError(f"--keep: no choice {keep}; {suggest(keep, KEEP)}")
    stage = Stage.of(task, seed=seed, tier=tier, images=images, renderer=renderer)
    with closing(stage.env), Lock(out):
        shelf = Shelf.of(Path(out), {**stage.identity, "keep": keep}, episodes)
        missing = [number for number in range(episodes) if number not in shelf]
        progress(found := episodes - len(missing))
        for done, number in enumerate(missing, found + 1):
            shelf.put(number, stage.episode(number), keep=keep)
            progress(done)
    return shelf.summary


@dataclass(frozen=True)
class Stage:
    """An environment, its expert, and what `gymnasium.make` makes the same environment from."""

    env: TaskEnv
    expert: Expert
    spec: EnvSpec
    seed: int

    @classmethod
    def of(
        cls,
        task: str | Path,
        *,
        seed: int = 0,
        tier: str = "core",
        images: Sequence[str] = (),
        renderer: str = "auto",
    ) -> Stage:
        """The arguments are those of `record`."""
        kwargs: dict[str, Any] = {"task": str(task), "tier": tier, "observe": ["state", *images]}
        if images:
            kwargs["renderer"] = resolve(renderer)
        env = TaskEnv(**kwargs)
        return cls(env, Expert(env), _spec(env.env.id, kwargs), seed)

    @property
    def identity(self) -> dict[str, Any]:
        """What two runs must share to record into one folder."""
        return {
            "format": FORMAT,
            **self.spec.kwargs,
            "task_sha256": hashlib.sha256(self.env.task.text.encode()).hexdigest(),
            "catalog_sha256": self.env.task.catalog_sha256,
            "seed": self.seed,
        }

    def episode(self, number: int) -> Episode | None:
        """The expert in scene ``number``; None if its parts never rest."""
        seen, info = self.env.reset(seed=self.seed, options={"scene": number})
        if info["scene"] != number:  # the next one that rests
            return None
        self.expert.begin()
        take = Take(seen)
        while not take.ended:
            action = self.expert.act()
            take.add(action, self.env.step(action))
        return Episode(
            **take.arrays(),
            env_id=self.spec.id,
            env_spec=self.spec.to_json(),
            seed=self.seed,
            scene=number,
            success=take.steps[-1]["successes"],
            task=self.env.task.text,
            rate_hz=self.env.env.rate_hz,
        )


def _spec(name: str | None, kwargs: dict[str, Any]) -> EnvSpec:
    """Of the task's own name, where simenv has registered it for this task; else of any task."""
    known = gymnasium.registry.get(name or ANY_TASK)
    if known is None or known.kwargs.get("task") != kwargs["task"]:
        known = gymnasium.registry[ANY_TASK]
    spec = deepcopy(known)
    spec.kwargs |= kwargs
    return spec


class Take:
    """One episode while it is recorded."""

    def __init__(self, seen: Mapping[str, NDArray[Any]]) -> None:
        self.seen = {name: [np.array(values)] for name, values in seen.items()}
        self.steps: list[dict[str, Any]] = []
        self.terms: list[dict[str, float]] = []
        self.ended = False

    def add(self, action: NDArray[np.float32], outcome: tuple[Any, ...]) -> None:
        """An action, and what `step` gave for it."""
        seen, reward, terminated, truncated, info = outcome
        for name, values in seen.items():
            self.seen[name].append(np.array(values))
        self.steps.append(
            {
                "actions": action,
                "rewards": float(reward),
                "terminations": bool(terminated),
                "truncations": bool(truncated),
                "successes": bool(info["is_success"]),
            }
        )
        self.terms.append(info["terms"])
        self.ended = terminated or truncated

    def arrays(self) -> dict[str, Any]:
        """As `Episode` has them."""
        return {
            "observations": {name: np.stack(rows) for name, rows in self.seen.items()},
            "terms": _columns(self.terms),
            **_columns(self.steps),
        }


def _columns(rows: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@dataclass
class Shelf:
    """The folder of a run: which episodes are there, and which were left out on purpose."""

    folder: Path
    outcomes: dict[int, tuple[bool, int]]  # number -> success, steps
    left_out: dict[int, str]  # number -> why
    found: int  # episodes that were there before

    @classmethod
    def of(cls, folder: Path, identity: Mapping[str, Any], episodes: int) -> Shelf:
        """What is there of a run; ``folder`` is locked.

        Raises:
            InputError: the folder is of another run, holds more episodes, or a damaged one.
        """
        identify(folder, identity)
        for pending in [*folder.glob("episode-*.h5.part"), part(folder / LEFT_OUT)]:
            pending.unlink(missing_ok=True)
        outcomes = {n: read_outcome(path) for n, path in episode_paths(folder).items()}
        shelf = cls(folder, outcomes, _read_left_out(folder / LEFT_OUT), len(outcomes))
        most = max([*outcomes, *shelf.left_out], default=-1) + 1
        if most > episodes:
            raise InputError(
                f"--episodes: {folder} holds {most} episodes, {episodes} would lose some; "
                f"ask for {most} or more, or choose another --out"
            )
        return shelf

    def __contains__(self, number: int) -> bool:
        return number in self.outcomes or number in self.left_out

    def put(self, number: int, episode: Episode | None, *, keep: str) -> None:
        """Write it, or write down why not."""
        if episode is None or (keep == "success" and not episode.success):
            self.left_out[number] = RESTLESS if episode is None else FAILED
            text = json.dumps(dict(sorted(self.left_out.items())), indent=1) + "\n"
            replace_file(self.folder / LEFT_OUT, text.encode())
            return
        write_episode(self.folder, number, episode)
        self.outcomes[number] = episode.success, len(episode)

    @property
    def summary(self) -> Summary:
        """What is there now."""
        return Summary(
            folder=self.folder,
            episodes=len(self.outcomes),
            successes=sum(success for success, _ in self.outcomes.values()),
            steps=sum(steps for _, steps in self.outcomes.values()),
            found=self.found,
            left_out=self.left_out,
        )


def _read_left_out(path: Path) -> dict[int, str]:
    if not path.exists():
        return {}
    try:
        return {int(number): str(why) for number, why in read_json(path).items()}
    except (AttributeError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); choose another --out") from None
