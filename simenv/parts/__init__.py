"""Which parts ship with simenv, and how objects/ is made: ``python -m simenv.parts [OUT]``."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from simenv.parts import brackets, containers, fasteners, fittings, packages
from simenv.parts.part import Part, write

__all__ = ["PARTS", "Part", "write", "write_all"]

PARTS: Mapping[str, Callable[[], Part]] = MappingProxyType(
    {
        builder.__name__: builder
        for builder in (
            fasteners.bearing,
            containers.bottle,
            containers.bottle_cap,
            containers.bottle_cap_low,
            fittings.cable_gland,
            packages.can,
            packages.carton_small,
            packages.carton_tall,
            fasteners.gear,
            fasteners.gear_keyed,
            fasteners.hex_bolt,
            fasteners.hex_nut,
            brackets.hinge,
            fittings.knob,
            brackets.l_bracket,
            brackets.l_bracket_slotted,
            containers.mug,
            fittings.pipe_elbow,
            fasteners.spacer,
            brackets.spring_clip,
            fittings.tee_fitting,
            containers.tray,
            brackets.u_profile,
            fasteners.washer,
        )
    }
)


def write_all(out: Path) -> list[Path]:
    """Make every part; returns the folders ``out/<name>``, sorted by name."""
    folders = [out / name for name in sorted(PARTS)]
    for folder in folders:
        write(PARTS[folder.name](), folder)
    return folders
