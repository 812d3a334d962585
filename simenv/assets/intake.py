"""How an untrusted file becomes a sound surface: read and mended in a process with limits."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simenv.assets.child import call
from simenv.assets.finding import Finding
from simenv.assets.soup import Soup, load, save
from simenv.errors import InputError

__all__ = ["Intake", "take_in"]

LIMIT_S = 180.0  # the largest files take a quarter of it
TAKEN = "taken.npz"


@dataclass(frozen=True, eq=False)
class Intake:
    """What came of a file."""

    surface: Soup  # closed, in metres, faces outwards
    read_triangles: int  # of the file
    findings: tuple[Finding, ...]


def take_in(path: Path, *, unit: str | None, scale: float) -> Intake:
    """Read and mend the file at ``path``.

    Raises:
        InputError: one line that begins with the path.
    """
    with tempfile.TemporaryDirectory(prefix="simenv-import-") as folder:
        taken = Path(folder) / TAKEN
        request = {"path": str(path), "unit": unit, "scale": scale, "taken": str(taken)}
        try:
            reply = call("simenv.assets.intake:work", request, seconds=LIMIT_S)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        findings = tuple(Finding(**row) for row in reply["findings"])
        return Intake(load(taken), reply["triangles"], findings)


def work(request: dict[str, Any]) -> dict[str, Any]:
    """What the process does."""
    from simenv.assets.read import read
    from simenv.assets.repair import mend

    soup = read(Path(request["path"]))
    surface, findings = mend(soup, unit=request["unit"], scale=request["scale"])
    save(Path(request["taken"]), surface)
    return {"triangles": len(soup.faces), "findings": [asdict(finding) for finding in findings]}
