"""Who may write into a folder, and which run the folder belongs to."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from simenv.dataset.disk import make_folder, part, rename, replace_file, storage
from simenv.dataset.schema import IDENTITY
from simenv.dataset.slice import WHOLE, Slice
from simenv.dataset.store import INDEX, MANIFESTS, agreeing
from simenv.errors import InputError, Locked

__all__ = [
    "RUN",
    "Identity",
    "Lock",
    "check_identity",
    "identify",
    "identity_of",
    "read_run",
    "run_text",
    "sweep",
]

RUN = "run.json"
LOCK = ".lock"
GATE = ".gate"  # of slices: held for moments, by those who look at several locks at once
_SHARD = re.compile(r"shard-(\d{5,})\.")


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
        # Slices come at the same time, and have all made the gate: one says which run it is.
        with _gate(out) if (out / GATE).exists() else nullcontext():
            if not path.exists():
                replace_file(path, run_text(identity))
    check_identity(out, read_run(out), identity)


def check_identity(out: str | Path, there: Mapping[str, Any], identity: Identity) -> None:
    """Compare what run.json of ``out`` says with the run that is to be made.

    Raises:
        InputError: if they are two runs.
    """
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

    A slice shares the folder with the other slices of its count, and with nothing else. On entry,
    what a killed run left half done is finished or swept away; a slice sweeps its own shards only.

    Raises:
        Locked: if another process holds it.
    """

    def __init__(self, out: str | Path, own: Slice = WHOLE) -> None:
        self.out, self.own = Path(out), own

    def __enter__(self) -> Lock:
        _make_folder(self.out)
        with ExitStack() as held:
            self._fd = _opened(self.out / LOCK, held)
            self._hold(self._fd, fcntl.LOCK_EX if self.own.whole else fcntl.LOCK_SH)
            if not self.own.whole:
                with _gate(self.out):
                    self._keep_out_other_cuts()
                    fd = _opened(self.out / _slice_lock(self.own), held)
                    self._hold(fd, fcntl.LOCK_EX)
                    _say_who(fd)
            sweep(self.out, self.own)
            _say_who(self._fd, "" if self.own.whole else f", slice {self.own}")
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def alone(self) -> bool:
        """Whether nobody else is at work: a slice that is the last one holds the folder now.

        One that is not gives its share of the folder back, and must write no more. So of slices
        that end at the same time exactly one is the last.
        """
        if self.own.whole:
            return True
        with _gate(self.out):
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def _hold(self, fd: int, mode: int) -> None:
        try:
            fcntl.flock(fd, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 200, 0).decode(errors="replace").strip()
            raise Locked(
                f"{self.out}: another run is writing here ({holder or 'unknown'}); "
                "wait until it has ended, or choose another --out"
            ) from None

    def _keep_out_other_cuts(self) -> None:
        """Slices of another count would make the same shards."""
        for path in sorted(self.out.glob(".slice-*.lock")):
            if path.stem.endswith(f"-of-{self.own.count}"):
                continue
            with ExitStack() as held:
                try:
                    fcntl.flock(_opened(path, held), fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise Locked(
                        f"{self.out}: slice {path.stem[7:]} is at work here, of another count than "
                        f"{self.own}; wait until it has ended, or use the same n for all"
                    ) from None


def _slice_lock(own: Slice) -> str:
    return f".slice-{own.name}.lock"


def _opened(path: Path, held: ExitStack) -> int:
    """A file descriptor of a lock file, which ``held`` closes."""
    with storage(path, 0):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    held.callback(os.close, fd)
    return fd


def _say_who(fd: int, what: str = "") -> None:
    # Only a hint for those who come later: on a full disk the lock holds without it.
    os.ftruncate(fd, 0)
    with suppress(OSError):
        os.pwrite(fd, f"pid {os.getpid()} on {socket.gethostname()}{what}\n".encode(), 0)


@contextmanager
def _gate(out: Path) -> Iterator[None]:
    """Inside, nobody else looks at the locks of ``out``."""
    with ExitStack() as held:
        fcntl.flock(_opened(out / GATE, held), fcntl.LOCK_EX)
        yield


def sweep(out: Path, own: Slice) -> None:
    """Finish the commit that was cut short between its renames; remove what was never committed.

    Only names that this package gives: the folder may hold files of the user's, too.
    """
    manifests = out / MANIFESTS
    for pending in _of(own, manifests.glob("shard-*.json.part")):
        manifest = pending.with_suffix("")
        if agreeing(pending, out / f"{manifest.stem}.h5", True):
            with storage(manifest, 0):
                rename(manifest)
    left = [*out.glob("shard-*.h5.*.part"), *manifests.glob("shard-*.json*.part")]
    shared = [part(out / RUN), part(out / INDEX), *manifests.glob("fill-*.json.part")]
    for pending in [*_of(own, left), *(shared if own.whole else ())]:
        pending.unlink(missing_ok=True)


def _of(own: Slice, paths: Iterator[Path] | list[Path]) -> list[Path]:
    """Those that are of the slice's shards."""
    named = [(_SHARD.match(path.name), path) for path in sorted(paths)]
    return [path for name, path in named if name and own.owns(int(name[1]))]
