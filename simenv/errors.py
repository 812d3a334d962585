"""What can go wrong, and the exit status that says so.

SimenvError
├── CheckFailed           exit 1    a check ran and did not hold
├── InputError            exit 2    a task, object or argument is wrong: where, what, way out
├── Locked                exit 3    another run is writing to this folder
├── StorageError          exit 74   the disk refused (full, read-only, I/O error)
├── EngineError           exit 1    the physics or render engine cannot do its work here
│   └── RendererUnavailable
├── ClusterError          exit 1    the machines that should make the shards are gone
└── Interrupted           exit 130  Ctrl-C or SIGTERM; the same command resumes
"""

__all__ = [
    "CheckFailed",
    "ClusterError",
    "EngineError",
    "InputError",
    "Interrupted",
    "Locked",
    "RendererUnavailable",
    "SimenvError",
    "StorageError",
]


class SimenvError(Exception):
    """Any failure that simenv explains in one line; ``exit_status`` is what the command returns."""

    exit_status = 1


class CheckFailed(SimenvError):
    """A check (validate, verify, doctor) ran to its end and did not hold."""


class InputError(SimenvError):
    """The user's input is wrong; the text says where, what, the value and the way out."""

    exit_status = 2


class Locked(SimenvError):
    """Another process is writing to the same dataset."""

    exit_status = 3


class StorageError(SimenvError):
    """The disk refused a write; nothing that was committed is touched."""

    exit_status = 74


class EngineError(SimenvError):
    """The physics or render engine failed at something the input did not cause."""


class RendererUnavailable(EngineError):
    """The asked renderer does not work on this machine; the text names what is missing."""


class ClusterError(SimenvError):
    """The executor or its scheduler is gone; what was committed stays."""


class Interrupted(SimenvError):
    """The user stopped a run; what was committed stays, and the same command goes on."""

    exit_status = 130
