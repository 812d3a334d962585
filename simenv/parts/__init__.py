"""Which parts and robots ship with simenv, and how their folders are made.

``python -m simenv.parts [ROOT]`` writes ROOT/objects/ and ROOT/robots/.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from simenv.parts import arm, brackets, containers, fasteners, fittings, grippers, packages, robot
from simenv.parts.part import Part, write
from simenv.parts.robot import Robot

__all__ = ["PARTS", "ROBOTS", "Part", "Robot", "write", "write_all", "write_robots"]

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

ROBOTS: Mapping[str, Callable[[], Robot]] = MappingProxyType(
    {
        builder.__name__: builder
        for builder in (arm.arm6, grippers.cup, arm.floating, grippers.jaw85, grippers.wsg50)
    }
)  # robots/ has others, too: those whose URDF is not our own are written by hand


def write_all(out: Path) -> list[Path]:
    """Make every part; returns the folders ``out/<name>``, sorted by name."""
    folders = [out / name for name in sorted(PARTS)]
    for folder in folders:
        write(PARTS[folder.name](), folder)
    return folders


def write_robots(out: Path) -> list[Path]:
    """Make every robot of our own; returns the folders ``out/<name>``, sorted by name."""
    folders = [out / name for name in sorted(ROBOTS)]
    for folder in folders:
        robot.write(ROBOTS[folder.name](), folder)
    return folders
