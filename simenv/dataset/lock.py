"""Who may write into a folder, and which run the folder belongs to."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from simenv.dataset.disk import make_folder, part, rename, replace_file, storage
from simenv.dataset.schema import IDENTITY
from simenv.dataset.store import INDEX, MANIFESTS, SHARD_NAME, agreeing
from simenv.errors import InputError, Locked

__all__ = ["RUN", "Identity", "Lock", "identify", "identity_of", "read_run", "run_text"]

RUN = "run.json"


Identity = Mapping[str, str | int | float | None]  # Header.identity


def identity_of(attributes: Mapping[str, Any]) -> Identity:
    """Which run a shard with these root attributes belongs to: `Header.identity` again."""
    own = {key: attributes.get(key) for key in IDENTITY}
    return {**own, "look_seed": None if own["look_seed"] == -1 else own["look_seed"]}


def run_text(identity: Identity) -> bytes:
    """What stands in run.json."""
    return (json.dumps(dict(identity), indent=1) + "\n").encode()


def identify(out: str | Path, identity: Identity) -> None:
    """Say in ``out``/run.json which run the folder belongs to; run it again to go on or extend.

    Raises:
        InputError: if the folder belongs to another run, or holds files that are none.
        StorageError: if the disk refuses.
    """
    out = Path(out)
    path = out / RUN
    if not path.exists():
        if strangers := sorted(out.glob("*.h5")):
            raise InputError(
                f"{out}: holds {strangers[0].name} but no {RUN}, so it is no folder of a run; "
                "choose another --out"
            )
        _make_folder(out)
        replace_file(path, run_text(identity))
        return
    there = read_run(out)
    for key, value in identity.items():
        if there.get(key) != value:
            way_out = _WAYS_OUT.get(key, "repeat the arguments that it was begun with")
            raise InputError(
                f"{out}: was begun with {key} {there.get(key)!r}, this run has {value!r}; "
                f"choose another --out, or {way_out}"
            )


_WAYS_OUT = {
    "task_sha256": "take back what has changed in the task file",
    "catalog_sha256": "take back what has changed in the objects",
}


def read_run(out: Path) -> dict[str, Any]:
    """Which run a folder belongs to.

    Raises:
        InputError: if that cannot be read.
    """
    path = out / RUN
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); simenv repair mends it") from None


def _make_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; choose a folder, or a new name ending in .h5")
    with storage(out, 0):
        make_folder(out)


class Lock:
    """Holds ``out`` for one process; the kernel lets go when the process ends, however it ends.

    On entry, what a killed run left half done is finished or swept away.

    Raises:
        Locked: if another process holds it.
    """

    def __init__(self, out: str | Path) -> None:
        self.out = Path(out)

    def __enter__(self) -> Lock:
        _make_folder(self.out)
        with storage(self.out / ".lock", 0):
            self._fd = os.open(self.out / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 200, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise Locked(
                f"{self.out}: another run is writing here ({holder or 'unknown'}); "
                "wait until it has ended, or choose another --out"
            ) from None
        try:
            _sweep(self.out)
        except BaseException:
            os.close(self._fd)
            raise
        os.ftruncate(self._fd, 0)
        # Only a hint for the message above: on a full disk the lock holds without it.
        with suppress(OSError):
            os.pwrite(self._fd, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _sweep(out: Path) -> None:
    """Finish the commit that was cut short between its renames; remove what was never committed.

    Only names that this package gives: the folder may hold files of the user's, too.
    """
    manifests = out / MANIFESTS
    for pending in sorted(manifests.glob("shard-*.json.part")):
        manifest = pending.with_suffix("")
        if agreeing(pending, out / f"{manifest.stem}.h5", True):
            with storage(manifest, 0):
                rename(manifest)
    shards = [path for path in out.glob("shard-*.h5.*.part") if SHARD_NAME.match(path.name)]
    own = [*shards, part(out / RUN), part(out / INDEX)]
    lists = [*manifests.glob("fill-*.json.part"), *manifests.glob("shard-*.json*.part")]
    for pending in [*own, *lists]:
        pending.unlink(missing_ok=True)
