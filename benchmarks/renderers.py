"""What does a labelled picture cost, drawn by us, by PyBullet's plugin and by MuJoCo?

    uv run --group bench python benchmarks/renderers.py
    uv run --group bench python benchmarks/renderers.py --frames-per-second --processes 1 4

A labelled picture is uint8 colour, float32 depth in metres and uint16 instance ids, as its user
gets them. The scene is `scenes.posed`: 12 different parts of about 1,000 triangles, a belt, a tote
and a floor, one camera, one light. The poses of all parts change from picture to picture (a fixed
list of 20 sets, in new arrays each time), so nothing is kept that a user could not keep.

- ``tiny``, ``egl``, ``raster``: simenv's renderers (tiny throws no shadows);
  ``raster bare``: that without shadows;
- ``plugin``: PyBullet's EGL plugin called as its manual shows, without simenv;
- ``mujoco``: mujoco.Renderer as it comes: 4 samples a pixel, shadow map 4096, three renders;
- ``mujoco lean``: no multisampling, shadow map 1024, two renders (colour; ids with their depth);
  ``mujoco bare``: that without shadows.

raster's shadow maps have about a texel a pixel, so fewer than 1024 a side at these sizes;
``--mujoco-shadow-map 256`` (or 512) gives MuJoCo the same saving.

Each contestant is a process of its own, and they take turns. CPU time counts all its threads.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.easels import DRAWERS, SHADOW_MAP, Easel, Writer, egl, raster
from benchmarks.scenes import SIZES, posed, triangles
from benchmarks.turns import Contestant, contestants
from simenv.render.choose import WORKER_ENVIRONMENT
from simenv.render.renderer import Frame

WARM_UP = 4  # pictures of each size that are not counted: shaders compile, drivers start to draw
# Slower, faster, bar, sizes it is asked for. Whether "egl" means simenv's renderer, which is faster
# than the plugin by itself, or the plugin as it comes: both are shown.
RATIOS = (
    ("egl", "raster", 2.5, SIZES),
    ("egl", "raster bare", 7.0, SIZES[:1]),
    ("mujoco lean", "raster", 1.4, SIZES),
    ("mujoco bare", "raster bare", 1.0, SIZES),
    ("plugin", "raster", 2.5, SIZES),
    ("plugin", "raster bare", 7.0, SIZES[:1]),
    ("plugin", "egl", None, SIZES),
    ("mujoco", "raster", None, SIZES),
)
Size = tuple[int, int]


@dataclass
class Figures:
    """What was measured: one row a round."""

    cpu_ms: list[float] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)
    iou: float = 0.0  # mean over the parts, against egl's mask
    depth_mm: float = 0.0  # median difference from egl's depth, where both see the same body


def agreement(frame: Frame, truth: Frame) -> tuple[float, float]:
    """Mean IoU over the parts that egl sees, and the median depth difference in mm."""
    ids = np.unique(truth.instance)
    both = [(frame.instance == k, truth.instance == k) for k in ids[ids > 0]]
    ious = [(a & b).sum() / (a | b).sum() for a, b in both]
    same = (frame.instance == truth.instance) & (truth.instance > 0)
    return float(np.mean(ious)), float(1e3 * np.median(np.abs(frame.depth_m - truth.depth_m)[same]))


def measure(names: Sequence[str], rounds: int, pictures: int) -> dict[str, Any]:
    """All contestants, in turn, at all sizes."""
    makers = {name: partial(Easel, DRAWERS[name]) for name in names}
    figures = {name: {size: Figures() for size in SIZES} for name in names}
    with contestants({**makers, "writer": Writer}, {}) as running:
        writer = running.pop("writer")
        devices = {name: one.ask("device") for name, one in running.items()}
        for size in SIZES:
            frames = {name: one.ask("frame", size, 0) for name, one in running.items()}
            for name, frame in frames.items():
                if "egl" in frames:
                    found = agreement(frame, frames["egl"])
                    figures[name][size].iou, figures[name][size].depth_mm = found
                running[name].ask("time", size, 0, WARM_UP)
        written: dict[Size, list[tuple[float, float, float]]] = {size: [] for size in SIZES}
        for turn in range(rounds):
            for size in SIZES:
                one_round(running, figures, size, turn, pictures)
                written[size].append(writer.ask(size))
    return {"devices": devices, "figures": figures, "writer": written}


def one_round(
    running: dict[str, Contestant],
    figures: dict[str, dict[Size, Figures]],
    size: Size,
    turn: int,
    pictures: int,
) -> None:
    """Everybody draws the same poses; who begins changes from round to round."""
    names = list(running)
    for name in names[turn % len(names) :] + names[: turn % len(names)]:
        cpu, wall = running[name].ask("time", size, turn * pictures, pictures)
        figures[name][size].cpu_ms.append(cpu)
        figures[name][size].wall_ms.append(wall)


def spread(values: Sequence[float] | NDArray[np.float64], digits: int = 1) -> str:
    """Median, and the range of the middle half."""
    low, middle, high = np.percentile(np.asarray(values), [25, 50, 75])
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def report(found: dict[str, Any]) -> None:
    """Tables."""
    figures = found["figures"]
    for name, device in found["devices"].items():
        print(f"  {name:12s} on {device}")
    for size in SIZES:
        print(f"\n{size[0]}x{size[1]}: ms a picture, median (middle half of the rounds)")
        print(f"  {'':12s}{'CPU':>20s}{'wall':>20s}{'IoU':>9s}{'depth mm':>10s}  (against egl)")
        for name, sizes in figures.items():
            row = sizes[size]
            print(
                f"  {name:12s}{spread(row.cpu_ms):>20s}{spread(row.wall_ms):>20s}"
                f"{row.iou:9.4f}{row.depth_mm:10.3f}"
            )
    print("\nCPU ratios, median (middle half of the rounds)")
    for slow, fast, bar, sizes in RATIOS:
        if slow in figures and fast in figures:
            words = [f"{w}x{h} {spread(ratio(figures, slow, fast, (w, h)), 2)}" for w, h in sizes]
            asked = "" if bar is None else f"   asked: {bar}"
            print(f"  {slow + ' / ' + fast:26s}{', '.join(words)}{asked}")
    print("\nwriter: CPU ms a picture (colour, depth, instance) and KiB in the file")
    for size, rows in found["writer"].items():
        pack, write, size_bytes = (list(column) for column in zip(*rows, strict=True))
        print(
            f"  {size[0]}x{size[1]}: compress and hash {spread(pack, 2)}, lay out and commit "
            f"{spread(write, 2)}, {np.median(size_bytes) / 1024:.0f} KiB"
        )


def ratio(
    figures: dict[str, dict[Size, Figures]], slow: str, fast: str, size: Size
) -> NDArray[np.float64]:
    """CPU of one over CPU of the other, round by round."""
    above, below = (np.array(figures[name][size].cpu_ms) for name in (slow, fast))
    return np.asarray(above / below, np.float64)


def speeds(
    names: Sequence[str], processes: Sequence[int], devices: Sequence[int], seconds: float
) -> list[dict[str, Any]]:
    """Pictures a second of ``egl`` and ``raster``, by number of processes, at two sizes."""
    opened = {"egl": egl, "raster": raster}
    rows = []
    for name in names:
        for count in processes:
            on = [devices[k % len(devices)] if devices else None for k in range(count)]
            makers = {
                f"{name} {k}": partial(Easel, partial(opened[name], device))
                for k, device in enumerate(on)
            }
            with contestants(makers, {}) as running:
                for size in (SIZES[0], SIZES[-1]):
                    rows.append(one_speed(name, running, size, seconds))
    return rows


def one_speed(
    name: str, running: dict[str, Contestant], size: Size, seconds: float
) -> dict[str, Any]:
    """All processes at once."""
    for one in running.values():
        one.ask("time", size, 0, WARM_UP)
    for one in running.values():
        one.begin("spin", size, seconds)
    spun = [one.answer() for one in running.values()]
    device = next(iter(running.values())).ask("device")
    per_second = sum(count / wall for count, wall, _ in spun)
    cpu_ms = 1e3 * sum(cpu for *_, cpu in spun) / sum(count for count, *_ in spun)
    return {
        "renderer": name,
        "processes": len(running),
        "size": size,
        "frames_per_second": per_second,
        "cpu_ms": cpu_ms,
        "device": device,
    }


def report_speeds(rows: list[dict[str, Any]]) -> None:
    """One line a measurement."""
    for row in rows:
        w, h = row["size"]
        print(
            f"{row['renderer']:7s} {row['processes']:2d} processes {w}x{h}: "
            f"{row['frames_per_second']:8.1f} pictures/s, {row['cpu_ms']:6.2f} CPU ms a picture, "
            f"on {row['device']}"
        )


def about() -> dict[str, Any]:
    """What was measured on and with."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    names = ("pybullet", "mujoco", "moderngl", "numpy")
    parts, everything = triangles(posed())
    scene = posed()
    return {
        "machine": f"{platform.machine()}, {cpu}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in names},
        "triangles": {"parts": parts, "all": everything},
        "parts": {b.object: len(scene.objects[b.object].mesh.faces) for b in scene.parts},
        "command": " ".join(sys.argv),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pictures", type=int, default=10, help="of each size in each round")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 3: does it run?")
    parser.add_argument("--only", nargs="+", choices=list(DRAWERS), default=list(DRAWERS))
    parser.add_argument(
        "--threads", default="0", help="LP_NUM_THREADS of all: 0, as in simenv's workers"
    )
    parser.add_argument(
        "--frames-per-second", action="store_true", help="egl and raster at full speed instead"
    )
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 4])
    parser.add_argument(
        "--devices", nargs="+", type=int, default=[], help="numbers of the GPUs to spread over"
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--mujoco-shadow-map", type=int, default=1024, help="texels a side, of mujoco lean"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    drawn = [name for name in arguments.only if name.startswith("mujoco")]
    if drawn and not arguments.frames_per_second and _version("mujoco") == "not installed":
        parser.error("MuJoCo is not installed; use `uv run --group bench`, or --only")
    os.environ |= {
        **WORKER_ENVIRONMENT,
        "LP_NUM_THREADS": arguments.threads,
        "MUJOCO_GL": "egl",
        SHADOW_MAP: str(arguments.mujoco_shadow_map),
    }
    what = about()
    print(f"{what['machine']}; {what['versions']}; LP_NUM_THREADS={arguments.threads}")
    print(f"triangles: {what['triangles']}, {what['parts']}")
    if arguments.frames_per_second:
        names = [name for name in ("egl", "raster") if name in arguments.only]
        seconds = 0.5 if arguments.quick else arguments.seconds
        rows = speeds(names, arguments.processes, arguments.devices, seconds)
        report_speeds(rows)
        found: dict[str, Any] = {"speeds": rows}
    else:
        rounds, pictures = (2, 3) if arguments.quick else (arguments.rounds, arguments.pictures)
        found = measure(arguments.only, rounds, pictures)
        report(found)
    if arguments.json:
        arguments.json.write_text(json.dumps({**what, **_plain(found)}, indent=1))


def _plain(value: Any) -> Any:
    """Dataclasses and size keys as JSON has them."""
    if isinstance(value, Figures):
        return vars(value)
    if isinstance(value, dict):
        return {
            "x".join(map(str, key)) if isinstance(key, tuple) else key: _plain(inner)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


if __name__ == "__main__":
    main()
