"""What does an even sampler cover, and how many scenes does filling the holes save?

    uv run python benchmarks/coverage.py --out out/coverage --scenes 1024

Three datasets of one task, with one camera of few pixels: scenes as simenv draws them, as many with
independent points in the place of the Sobol sequence, and a small one that `simenv fill` completes.
The task has options of small weight, so that plain sampling has to wait for them. Cells are those
of `simenv.audit.coverage`. Sobol and independent scenes are compared on the cells that either
shows; plain sampling and filling on those that the independent scenes show, which neither of the
two had a part in. A dataset that is there is not made again; --only does one part.
"""

from __future__ import annotations

import argparse
from bisect import bisect_left
from collections.abc import Set
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from simenv.audit.discrepancy import coordinates, discrepancy
from simenv.audit.joint import joints, singles
from simenv.audit.observe import Observed, observe
from simenv.domain.stream import SOBOL_DIMS, point, stream
from simenv.fill import fill
from simenv.generate import generate
from simenv.spec.load import task_from_text

TASK = """
format: simenv-task-1
name: rare
actors:
  parts:
    objects: [carton_small, can, carton_tall, bottle]
    count: 3
    spawn: {zone: table, height_m: 0.02}
scene:
  floor: {z_m: 0.0, texture: wood}
  tables: {main: {size_m: [0.9, 0.7], top_z_m: 0.4, texture: wood}}
  zones: {table: {center: [0, 0, 0.4], size_m: [0.5, 0.4]}}
cameras:
  top: {resolution: [48, 36], K: {fx: 46, fy: 46}, X_WC: {eye: [0, 0, 1.2], target: [0, 0, 0.4]}}
capture: {fps: 1, frames: 1}
domain:
  actors.parts.count: {kind: semantic, integers: [1, 4]}
  actors.parts.objects: {kind: semantic, choice: all, each: actor}
  actors.parts.spawn.orientation: {kind: semantic, so3: uniform, each: actor}
  look.light.elevation_deg: {kind: visual, uniform: [25, 85]}
  look.light.azimuth_deg: {kind: visual, uniform: [0, 360]}
  look.light.intensity: {kind: visual, uniform: [0.6, 1.4]}
  look.light.temperature_k: {kind: visual, uniform: [3000, 8000]}
  scene.tables.main.texture: {kind: visual, choice: {wood: 40, plastic: 2, steel: 1}}
  scene.floor.texture: {kind: visual, choice: {concrete: 40, wood: 2, checker: 1}}
"""
Cells = Set[tuple[str, ...]]  # names of a variable and its cell, or of two of each

BEGIN = 64  # scenes that are there before the holes are filled
WANTED = 0.95  # of the reachable cells


def main() -> None:
    """Make the datasets that are missing; print the comparison when all are there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=1024)
    parser.add_argument("--only", choices=["sobol", "iid", "fill", "compare"])
    arguments = parser.parse_args()
    steps = [arguments.only] if arguments.only else ["sobol", "iid", "fill", "compare"]
    for step in steps:
        if step == "compare":
            compare(arguments.out)
        elif step == "fill":
            filled(arguments.out, most=arguments.scenes)
        else:
            plain(arguments.out / step, arguments.scenes)


def plain(out: Path, scenes: int) -> None:
    """Scenes in the order of their numbers; into a folder called iid, with independent points."""
    task = task_from_text(TASK)
    with mock.patch("simenv.domain.sample.point", _independent if out.name == "iid" else point):
        print(out, generate(task, out, scenes=scenes, jobs=0, renderer="tiny").text)


def _independent(seed: int, scene: int) -> NDArray[np.float64]:
    """What the Sobol point is replaced with, (64,)."""
    return stream(seed, scene, "benchmark").random(SOBOL_DIMS)


def filled(out: Path, *, most: int) -> None:
    """The first scenes, then those that fill the holes."""
    folder = out / "fill"
    if not folder.exists():
        generate(task_from_text(TASK), folder, scenes=BEGIN, jobs=0, renderer="tiny")
    for wanted in (WANTED, 1.0):  # to see what more brings, too
        print(fill(folder, max_scenes=most // 4, coverage=wanted, jobs=0).text)


def compare(out: Path) -> None:
    """Discrepancy and coverage at equal size, and scenes until WANTED is covered."""
    known = {name: observe(out / name) for name in ("sobol", "iid", "fill")}
    for name in ("sobol", "iid"):
        found = discrepancy(coordinates(known[name])[0])
        assert found is not None
        print(f"{name}: {found}, {found.ratio:.1f} times below independent points")
    drawn = set(_cells(known["sobol"], drawn=True))
    shown = {name: set(_cells(own)) | drawn for name, own in known.items()}
    for names, reachable in (
        (("sobol", "iid"), shown["sobol"] | shown["iid"]),
        (("sobol", "fill"), shown["iid"]),
    ):
        print(f"{len(reachable)} reachable cells, {len(drawn)} of them drawn by the domain")
        for name in names:
            print(_line(name, known[name], reachable, drawn))


def _line(name: str, own: Observed, reachable: Cells, drawn: Cells) -> str:
    """Shares of the realised cells at several sizes, and scenes that are needed."""
    count = len(own.scenes["index"])
    sizes = [*(n for n in (64, 128, 256, 512, 1024) if n < count), count]
    realised = reachable - drawn
    shares = ", ".join(f"{n}: {_share(own, n, realised):.1%}" for n in sizes)
    needs = [_needed(own, goal) or "more" for goal in (reachable, drawn, realised)]
    return (
        f"{name:6} realised cells by scenes {shares}; scenes for {WANTED:.0%} of all cells: "
        f"{needs[0]}, of the drawn ones: {needs[1]}, of the realised ones: {needs[2]}"
    )


def _share(own: Observed, scenes: int, wanted: Cells) -> float:
    """Of the wanted cells, those that the first so many scenes have."""
    index = own.scenes["index"]
    end = int(index[scenes]) if scenes < len(index) else int(index[-1]) + 1
    return len(wanted & _cells(own.first(end))) / len(wanted)


def _needed(own: Observed, wanted: Cells) -> int | None:
    """The fewest scenes that cover WANTED; None where all do not."""
    sizes = range(1, len(own.scenes["index"]) + 1)
    found = bisect_left(sizes, WANTED, key=lambda count: _share(own, count, wanted))
    return sizes[found] if found < len(sizes) else None


def _cells(own: Observed, *, drawn: bool = False) -> Cells:
    """The names of all cells that occur, single and in pairs; or that the domain draws."""
    names: set[tuple[str, ...]] = set()
    for one in singles(own).values():
        there = one.reachable if drawn and one.variable.planned else one.scenes > 0
        if one.variable.planned or not drawn:
            names |= {(one.name, one.names[k]) for k in np.flatnonzero(there)}
    for pair in joints(own):
        there = pair.reachable if drawn else pair.scenes > 0
        if pair.planned or not drawn:
            names |= {
                (pair.one.name, pair.one.names[k], pair.other.name, pair.other.names[m])
                for k, m in np.argwhere(there)
            }
    return names


if __name__ == "__main__":
    main()
