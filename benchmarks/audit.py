"""How long an audit takes, and how often it cries wolf.

    python benchmarks/audit.py --frames 10000
    python benchmarks/audit.py --clean 20 --scenes 48

The first writes a dataset of so many frames through simenv's own writer, with pictures of a few
pixels and made-up poses, and audits it: numbers, page, JSON and card. The second generates so many
datasets of a task without bias, each of another seed, and counts the pairs of a label and a factor
that are called biased.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the made-up records are those of the tests

from simenv.audit.bias import bias  # noqa: E402
from simenv.audit.observe import observe  # noqa: E402
from simenv.dataset.index import write_index  # noqa: E402
from simenv.dataset.store import commit_shard  # noqa: E402
from simenv.generate import generate  # noqa: E402
from simenv.spec.load import task_from_text  # noqa: E402
from simenv.view.audit import write_audit  # noqa: E402
from tests.dataset import factory  # noqa: E402

FRAMES = 2  # of each made-up scene
SHARD = 100  # scenes
Q = 0.05
TASK = """
format: simenv-task-1
name: clean
actors:
  parts:
    objects: [hex_bolt, l_bracket, bottle_cap, carton_small, can, gear, mug, tray]
    count: 8
    spawn: {zone: table, height_m: 0.02}
scene:
  tables: {main: {size_m: [1.0, 0.8], top_z_m: 0.4}}
  zones: {table: {center: [0, 0, 0.4], size_m: [0.6, 0.45]}}
cameras:
  top: {resolution: [64, 48], K: {fx: 61, fy: 61}, X_WC: {eye: [0, 0, 1.2], target: [0, 0, 0.4]}}
capture: {fps: 2, frames: 2}
domain:
  actors.parts.count: {kind: semantic, integers: [3, 12]}
  actors.parts.objects: {kind: semantic, choice: all, each: actor}
  actors.parts.spawn.orientation: {kind: semantic, so3: uniform, each: actor}
  actors.parts.texture: {kind: visual, choice: all, each: actor}
  actors.parts.color: {kind: visual, uniform: [[0.5, 0.5, 0.5], [1, 1, 1]], each: actor}
  scene.tables.main.texture: {kind: visual, choice: [wood, steel, plastic, concrete]}
  cameras.top.X_WC.eye: {kind: semantic, uniform: [[-0.05, -0.05, 1.15], [0.05, 0.05, 1.25]]}
  look.light.azimuth_deg: {kind: visual, uniform: [0, 360]}
  look.light.elevation_deg: {kind: visual, uniform: [25, 85]}
  look.light.temperature_k: {kind: visual, uniform: [3000, 8000]}
"""


def write(out: Path, frames: int) -> None:
    """A dataset of made-up scenes, eight parts each."""
    scenes = frames // FRAMES
    for shard, first in enumerate(range(0, scenes, SHARD)):
        numbers = range(first, min(first + SHARD, scenes))
        records = [factory.record(k, parts=6, screws=2, frames=FRAMES) for k in numbers]
        commit_shard(out, shard, factory.builder(records))
    write_index(out)


def speed(frames: int) -> None:
    """Audit a dataset of ``frames`` frames."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "data"
        write(out, frames)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, cpu = time.perf_counter(), time.process_time()
        written = write_audit(out, out=Path(folder) / "audit")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = observe(out)
        print(
            f"{found.frames} frames, {len(found.scene_of['part'])} rows of parts: audit in "
            f"{wall:.1f} s ({cpu:.1f} s CPU); most memory {peak / 1024:.0f} MiB, "
            f"{before / 1024:.0f} MiB of it before; page {written.page.stat().st_size / 1e6:.1f} MB"
        )


def clean(count: int, scenes: int) -> None:
    """Audit ``count`` datasets of one task without bias."""
    task, pairs, alarms, sure = task_from_text(TASK), 0, 0, 0
    for seed in range(count):
        with tempfile.TemporaryDirectory() as folder:
            generate(task, Path(folder) / "data", scenes=scenes, seed=seed, jobs=0, renderer="tiny")
            found = bias(observe(Path(folder) / "data"))
        significant = [pair for pair in found.tested if pair.q < Q]
        pairs, sure = pairs + len(found.tested), sure + len(significant)
        large = [p for p in significant if p.found and p.found.effect > found.thresholds.cramers_v]
        alarms += len(large)
        print(f"seed {seed}: {len(found.tested)} pairs", *(pair.text for pair in significant),
              sep="; ", flush=True)  # fmt: skip
    print(
        f"{count} datasets, {pairs} pairs: {alarms} false alarms (q < {Q} and a large effect), "
        f"{sure} with q < {Q} alone"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=0)
    parser.add_argument("--clean", type=int, default=0, help="datasets")
    parser.add_argument("--scenes", type=int, default=48, help="of each of them")
    words = parser.parse_args()
    if words.frames:
        speed(words.frames)
    if words.clean:
        clean(words.clean, words.scenes)
