"""What an import says of its result: figures for machines, lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simenv import mesh
from simenv.assets.decompose import Pieces
from simenv.assets.finding import Finding
from simenv.assets.intake import Intake
from simenv.assets.quality import THIN_M, counted_twice, diameter, fit, thin_share
from simenv.assets.soup import Floats
from simenv.assets.stable import Rest
from simenv.assets.symmetry import Symmetries
from simenv.assets.trial import AFTER_S, Trial, try_out
from simenv.spec.object import ObjectModel

__all__ = ["Report", "examine"]

VOLUME_ERROR = 0.1  # relative, of the hulls: beyond it contacts are visibly off
HOVER_M = 5e-4
THIN = 0.02  # share of the surface
FAR = 2.0  # diameters from the origin to the middle of the part
DENSITY_KG_M3 = (20.0, 23_000.0)  # foam, osmium
ENERGY_J = 1e-5  # what a part at rest may still have
SHOWN_RESTS = 4
MANY_HULLS = 40


@dataclass(frozen=True)
class Report:
    """One import."""

    name: str
    findings: tuple[Finding, ...]
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def repaired(self) -> bool:
        """Whether the surface was changed."""
        return any(finding.verdict == "mend" for finding in self.findings)

    def plain(self) -> dict[str, Any]:
        """What report.json says."""
        lines = [{"verdict": line.verdict, "text": line.text} for line in self.findings]
        return {"format": "simenv-import-1", "name": self.name, **self.figures, "lines": lines}


def examine(
    model: ObjectModel,
    intake: Intake,
    pieces: Pieces,
    symmetries: Symmetries,
    ways: tuple[Rest, ...],
) -> Report:
    """Measure the object that was made of a file."""
    surface = intake.surface
    trial = try_out(model, ways[0])
    com, inertia = model.mass_properties
    figures: dict[str, Any] = {
        "triangles": len(surface.faces),
        "triangles_read": intake.read_triangles,
        "closed": mesh.is_closed(model.mesh),
        "size_m": _rounded(model.mesh.extents),
        "diameter_m": _short(diameter(surface.vertices)),
        "volume_m3": _short(surface.volume),
        "area_m2": _short(surface.areas.sum()),
        "counted_twice": _short(counted_twice(surface)),
        "mass_kg": model.spec.mass_kg,
        "density_kg_m3": _short(model.spec.mass_kg / surface.volume),
        "com_m": _rounded(com.round(9)),
        "inertia_kg_m2": [_rounded(row) for row in inertia],
        "gyration_ratio": _short(_gyration(model)),
        "collision": {
            "how": pieces.how,
            "hulls": len(pieces.hulls),
            "corners": sum(len(hull) for hull in pieces.hulls),
            "volume_error": _short(fit(surface, model.hulls).volume_error),
        },
        "symmetry": symmetries.description(),
        "rests": [{"down": _rounded(w.down), "chance": _short(w.chance)} for w in ways[:20]],
        "thin_share": _short(thin_share(surface)),
        "trial": {
            "hover_mm": None if trial.hover_m is None else round(trial.hover_m * 1e3, 3),
            "reason": trial.reason,
            "rest_s": _short(trial.rest_s),
            "speed_m_s": trial.speed_m_s if trial.speed_m_s is None else _short(trial.speed_m_s),
            "energy_j": trial.energy_j if trial.energy_j is None else _short(trial.energy_j),
        },
    }
    lines = [*intake.findings, *_lines(figures, model, symmetries, ways, trial)]
    return Report(model.spec.name, tuple(lines), figures)


def _short(value: float) -> float:
    return round(float(f"{float(value):.5g}"), 15) + 0.0


def _rounded(values: Floats) -> list[float]:
    return [_short(value) for value in values]


def _gyration(model: ObjectModel) -> float:
    """Trace of the inertia over that of the bounding box with the same mass: 1 for a box."""
    size = model.mesh.extents
    of_box = model.spec.mass_kg * 2 * float(size @ size) / 12.0
    return float(np.trace(model.mass_properties[1])) / of_box


def _lines(
    figures: dict[str, Any],
    model: ObjectModel,
    symmetries: Symmetries,
    ways: tuple[Rest, ...],
    trial: Trial,
) -> Iterator[Finding]:
    size = " x ".join(f"{x * 1e3:.4g}" for x in figures["size_m"])
    text = f"{figures['triangles']} triangles, closed, {size} mm"
    yield Finding("ok", f"{text}, {figures['volume_m3'] * 1e6:.4g} cm3")
    yield from _mass(figures, model)
    yield _collision(figures["collision"])
    yield Finding("ok", f"symmetry proposed: {symmetries.text}")
    likely = ", ".join(f"{way.chance:.0%}" for way in ways[:SHOWN_RESTS])
    more = f", and {len(ways) - SHOWN_RESTS} more" if len(ways) > SHOWN_RESTS else ""
    yield Finding("ok", f"{len(ways)} ways to lie, likely {likely}{more}")
    yield from _motion(trial)
    text = f"walls thinner than {THIN_M * 1e3:g} mm: {figures['thin_share']:.0%} of the surface"
    if figures["thin_share"] > THIN:
        yield Finding("note", f"{text}; fast parts may pass through them")
    else:
        yield Finding("ok", text)
    away = float(np.linalg.norm(model.mesh.center)) / figures["diameter_m"]
    if away > FAR:
        text = f"its middle is {away:.1f} diameters from the origin of the file"
        yield Finding("note", f"{text}: poses are about that origin")


def _mass(figures: dict[str, Any], model: ObjectModel) -> Iterator[Finding]:
    density = figures["density_kg_m3"]
    com = ", ".join(f"{x * 1e3:.4g}" for x in figures["com_m"])
    yield Finding("ok", f"{model.spec.mass_kg:.4g} kg, {density:.4g} kg/m3, centre at ({com}) mm")
    low, high = DENSITY_KG_M3
    if not low <= density <= high:
        text = f"{density:.4g} kg/m3 is no solid's density ({low:g} to {high:g})"
        yield Finding("note", f"{text}: check --mass and --unit")
    twice = figures["counted_twice"]
    if twice > 0.01:
        text = f"about {twice:.0%} of the inside is counted twice, solids overlap"
        yield Finding("note", f"{text}: mass properties are off; join them (union)")


def _collision(collision: dict[str, Any]) -> Finding:
    count, error = collision["hulls"], collision["volume_error"]
    hulls = f"{count} hull{'s' * (count > 1)} of {collision['corners']} corners"
    more = "more" if error > 0 else "less"
    text = f"collision: {hulls}, {abs(error):.1%} {more} volume than the mesh"
    if abs(error) > VOLUME_ERROR:
        return Finding("note", f"{text}: look at preview.png whether they fit")
    if count > MANY_HULLS:
        return Finding("note", f"{text}: many hulls make scenes slow")
    return Finding("ok", text)


def _motion(trial: Trial) -> Iterator[Finding]:
    if trial.hover_m is None:
        text = "does not stay where it should lie most likely"
        yield Finding("note", f"{text}: look at preview.png whether the hulls fit")
    else:
        text = f"lies {trial.hover_m * 1e3:+.2f} mm over the floor"
        off = abs(trial.hover_m) > HOVER_M
        yield Finding("note" if off else "ok", text + ": its hulls are off by that" * off)
    if trial.reason:
        text = f"dropped, it is rejected ({trial.reason}) after {trial.rest_s:.1f} s"
        yield Finding("note", f"{text}; see docs/physics.md")
    elif trial.speed_m_s is not None and trial.energy_j is not None:
        text = f"dropped, it rests after {trial.rest_s:.2f} s; {AFTER_S:g} s later "
        text += f"{trial.speed_m_s * 1e3:.2g} mm/s, {trial.energy_j:.1e} J"
        yield Finding("note" if trial.energy_j > ENERGY_J else "ok", text)
