"""How a logged dataset falls again without physics: its attempts and poses, scene by scene."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.read import Dataset
from simenv.errors import InputError
from simenv.physics.world import Outcome
from simenv.scene import Contacts, Scene, Snapshot

__all__ = ["Replay"]


class Replay:
    """In the place of a `World`: `run` gives what happened when the dataset was made."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._dataset = Dataset(path)
        self._scenes, self._frames, self._attempts, self._bodies = (
            self._dataset.table(name) for name in ("scenes", "frames", "attempts", "bodies")
        )

    @cached_property
    def _names(self) -> NDArray[np.object_]:
        return self._dataset.table("objects")["name"]

    def close(self) -> None:
        """Close the files."""
        self._dataset.close()

    @property
    def sha256(self) -> str:
        """Of all that the dataset holds, whatever files it is in."""
        digest = hashlib.sha256()
        for scene, own in zip(self._scenes["index"], self._scenes["all_sha256"], strict=True):
            digest.update(f"{scene} {own}\n".encode())
        return digest.hexdigest()

    def run(self, scene: Scene) -> Outcome:
        """The logged outcome of ``scene.attempt``.

        Raises:
            InputError: if the dataset lacks the scene, or has other bodies in it.
        """
        tries = np.flatnonzero(self._attempts["scene"] == scene.index)
        if scene.attempt >= len(tries):
            raise InputError(f"{self.path}: has no attempt {scene.attempt} of scene {scene.index}")
        row = tries[scene.attempt]
        reason = str(self._attempts["reason"][row])
        snapshots = () if reason else self._snapshots(scene)
        return Outcome(snapshots, reason, float(self._attempts["duration_s"][row]))

    def _snapshots(self, scene: Scene) -> tuple[Snapshot, ...]:
        frames = np.flatnonzero(self._frames["scene"] == scene.index)
        return tuple(self._snapshot(scene, k, int(row)) for k, row in enumerate(frames))

    def _snapshot(self, scene: Scene, frame: int, row: int) -> Snapshot:
        first, last = np.searchsorted(self._bodies["frame"], [row, row + 1])
        own = {name: column[first:last] for name, column in self._bodies.items()}
        rows = {body.id: k for k, body in enumerate(scene.bodies)}
        logged = dict(zip(own["id"].tolist(), self._names[own["object"]], strict=True))
        if logged != {body.id: body.object for body in scene.bodies if body.id}:
            raise InputError(
                f"{self.path}: scene {scene.index} has other bodies than its task says"
            )
        X_WB = np.stack([body.X_WB for body in scene.bodies])
        velocity = np.zeros((len(X_WB), 6))
        order = [rows[identity] for identity in own["id"].tolist()]
        X_WB[order], velocity[order] = own["X_WB"], own["velocity"]
        return Snapshot(
            scene=scene,
            time_s=float(self._frames["time_s"][row]),
            frame=frame,
            capture_time_s=frame / scene.capture.fps,
            X_WB=X_WB,
            velocity=velocity,
            contacts=self._contacts(row) if "contacts" in scene.labels else None,
        )

    def _contacts(self, row: int) -> Contacts:
        found = self._dataset.contacts(row)
        if found is None:
            raise InputError(
                f"{self.path}: holds no contacts, and poses alone do not tell them; "
                "ask for them in the task's labels and generate it again"
            )
        return found
