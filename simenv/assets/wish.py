"""What is asked of an import: which file, and what the file cannot say."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from simenv.assets.soup import UNITS
from simenv.errors import InputError
from simenv.spec.explain import suggest

__all__ = ["Wish", "legal_name"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Wish:
    """One object to be made.

    Raises:
        InputError: a value that makes no sense.
    """

    path: Path
    name: str
    out: Path = Path("objects")
    mass_kg: float | None = None
    density_kg_m3: float | None = None
    unit: str | None = None  # of the file's numbers; None: metres
    scale: float = 1.0
    class_: str = ""  # default: the name
    friction: float = 0.4
    color: tuple[float, float, float] = (0.7, 0.7, 0.7)
    license: str = "NOASSERTION"
    replace: bool = False  # an object that stands under the name already

    def __post_init__(self) -> None:
        for option, name in (("--name", self.name), ("--class", self.class_ or self.name)):
            if not NAME.fullmatch(name):
                text = f"must be a name of a-z, 0-9 and _, got {name!r}"
                raise InputError(f"{option}: {text}; write for example {legal_name(name)}")
        if self.unit is not None and self.unit not in UNITS:
            raise InputError(f"--unit: no unit {self.unit!r}; {suggest(self.unit, UNITS)}")
        if (self.mass_kg is None) == (self.density_kg_m3 is None):
            what = "says no mass" if self.mass_kg is None else "has both --mass and --density"
            raise InputError(f"{self.path}: {what}; pass one of --mass (kg) and --density (kg/m3)")
        numbers = {
            "--mass": self.mass_kg,
            "--density": self.density_kg_m3,
            "--scale": self.scale,
        }
        for option, value in numbers.items():
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"{option}: must be a number above 0, got {value:g}")
        if not (math.isfinite(self.friction) and self.friction >= 0):
            raise InputError(f"--friction: must be at least 0, got {self.friction:g}")
        if len(self.color) != 3 or not all(0 <= part <= 1 for part in self.color):
            raise InputError("--color: must be three numbers from 0 to 1, such as 0.8,0.1,0.1")


def legal_name(text: str) -> str:
    """The nearest name that the catalog allows."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60]
    return name if name[:1].isalpha() else f"x_{name}".rstrip("_")
