"""Does a long run keep its memory and its pace?

    uv run python benchmarks/soak.py --scenes 1000 --renderer egl

One worker makes many small scenes of catalog objects with texture variants. Its log is read: the
slope of resident memory after the first 100 scenes, by least squares, and the time of the last
tenth of the scenes beside the first tenth after the warm-up.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from simenv.generate import generate
from simenv.generate.shard import LOG
from simenv.spec.load import task_from_text

TASK = """
format: simenv-task-1
name: soak
actors:
  parts:
    objects: [hex_bolt, l_bracket, bottle_cap, carton_small, can, gear, mug, tray]
    count: 4
    spawn: {zone: table, height_m: 0.02}
scene:
  tables: {main: {size_m: [0.8, 0.6], top_z_m: 0.4}}
  zones: {table: {center: [0, 0, 0.4], size_m: [0.5, 0.4]}}
cameras:
  top: {resolution: [96, 72], K: {fx: 92, fy: 92}, X_WC: {eye: [0, 0, 1.2], target: [0, 0, 0.4]}}
domain:
  actors.parts.count: {kind: semantic, integers: [1, 6]}
  actors.parts.objects: {kind: semantic, choice: all, each: actor}
  actors.parts.spawn.orientation: {kind: semantic, so3: uniform, each: actor}
  actors.parts.texture: {kind: visual, choice: all, each: actor}
  scene.tables.main.texture: {kind: visual, choice: [wood, steel, plastic, concrete]}
  look.light.azimuth_deg: {kind: visual, uniform: [0, 360]}
"""
WARM_UP = 100  # scenes: by then every object and texture has been loaded


def main() -> None:
    """Print the slope and the pace."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenes", type=int, default=1000)
    parser.add_argument("--renderer", choices=["egl", "raster", "tiny"], default="egl")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        generate(task_from_text(TASK), out, scenes=arguments.scenes, renderer=arguments.renderer)
        lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    memory = np.array([line["rss_mb"] for line in lines])[WARM_UP:]
    seconds = np.array([sum(line["seconds"].values()) for line in lines])[WARM_UP:]
    slope = np.polyfit(np.arange(len(memory)), memory, 1)[0]
    tenth = max(1, len(seconds) // 10)
    first, last = np.median(seconds[:tenth]), np.median(seconds[-tenth:])
    print(
        f"{len(lines)} scenes with {arguments.renderer}: {memory[0]:.0f} -> {memory[-1]:.0f} MB, "
        f"slope {100 * slope:+.3f} MB per 100 scenes; median scene {1e3 * first:.1f} ms in the "
        f"first tenth, {1e3 * last:.1f} ms in the last"
    )


if __name__ == "__main__":
    main()
