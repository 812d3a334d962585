"""A pipeline on MuJoCo, tuned with the effort that simenv got: load, settle, draw, write.

    uv run --group bench python benchmarks/mujoco_pipeline.py --scenes 24

drops the scenes of scenes.py under the settings in `TUNINGS`, scene by scene in turn, and prints
what loading and settling cost and how the parts lie then (p: Kolmogorov-Smirnov, heights and tilts
against the first setting). `MujocoLine`, with the setting that won, is the contestant of
benchmarks/pipeline.py. What it does to be fast:

- physics and pictures have a model each. A scene's physics is compiled anew, without meshes to be
  seen; the pictures' model is made once, and its moving bodies are handed the meshes of each scene;
- bodies stand in their principal frames, primitives are primitives, hulls are hulls;
- parts are looked at 60 times a second, by simenv's rest rule;
- two renders a picture, no multisampling, shadow map 1024 (mujoco_draw.py);
- ISA-L's deflate and whole chunks, by simenv's own functions.

Elliptic cones save 8 ms more, but parts then lie up to 3 mm inside each other and their resting
heights differ. It makes no labels beside pictures and poses, no hashes, and nothing durable.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from benchmarks.mujoco_draw import LEAN_SHADOW_MAP, Lean
from benchmarks.mujoco_physics import Physics, Tuning
from benchmarks.mujoco_scene import Quality, add_surface, picture_spec, quaternion_wxyz
from benchmarks.scenes import FRAMES, scene_of, task_of
from benchmarks.settle import SAME_HEIGHT_M, SAME_TILT_DEG, same
from simenv.clock import Clock
from simenv.dataset.hdf5 import in_memory
from simenv.dataset.pixels import LEVEL, chunk
from simenv.render.renderer import Frame
from simenv.scene import Scene
from simenv.studio import depth_units

__all__ = ["MujocoLine"]

NEAR_FAR_M = (0.3, 3.0)
TOP_Z_M = {"belt": 0.4, "tote": 0.3}  # what the parts are to stay above
SOFT_S = 0.02  # MuJoCo's default time constant of a contact
TUNINGS = {
    "500 Hz (MuJoCo's own)": Tuning(rate_hz=500, time_constant_s=SOFT_S),
    "240 Hz": Tuning(rate_hz=240, time_constant_s=SOFT_S),
    "240 Hz, stiff": Tuning(rate_hz=240, time_constant_s=0.0085),
    "240 Hz, elliptic": Tuning(rate_hz=240, cone="ELLIPTIC", time_constant_s=SOFT_S),
    "240 Hz, condim 3": Tuning(rate_hz=240, condim=3, time_constant_s=SOFT_S),
    "240 Hz, 8 iterations": Tuning(
        rate_hz=240, iterations=8, tolerance=1e-5, time_constant_s=SOFT_S
    ),
    "120 Hz": Tuning(time_constant_s=SOFT_S),
    "120 Hz, stiff": Tuning(),
    "120 Hz, 20 iterations": Tuning(iterations=20, tolerance=1e-6),
    "120 Hz, elliptic": Tuning(cone="ELLIPTIC", time_constant_s=SOFT_S),
    "120 Hz, elliptic, stiff": Tuning(cone="ELLIPTIC"),
    "60 Hz": Tuning(rate_hz=60, time_constant_s=0.034),
}


@dataclass
class Outcomes:
    """What became of the scenes."""

    settled: list[bool] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)  # parts below what carried them
    duration_s: list[float] = field(default_factory=list)  # simulated, until the rule held
    penetration_mm: list[float] = field(default_factory=list)  # the deepest contact
    heights: list[float] = field(default_factory=list)  # m, of the centres of mass at rest
    tilts: list[float] = field(default_factory=list)  # degrees between a part's z and the world's

    def add(self, name: str, physics: Physics, settled: bool) -> None:
        """Count a scene of task ``name``."""
        heights = physics.where()[0][:, 2]
        self.settled.append(settled)
        self.lost.append(int((heights < TOP_Z_M[name]).sum()))
        self.duration_s.append(physics.data.time)
        self.penetration_mm.append(physics.depth_mm())
        if settled:
            self.heights += heights.tolist()
            axes = physics.poses()[physics.rows, 2, 2]
            self.tilts += np.degrees(np.arccos(np.clip(axes, -1.0, 1.0))).tolist()

    @property
    def text(self) -> str:
        """One line."""
        return (
            f"{sum(self.settled)} of {len(self.settled)} scenes settled, {sum(self.lost)} parts "
            f"lost, rest after {np.mean(self.duration_s):.2f} s, deepest contact median "
            f"{np.median(self.penetration_mm):.2f} mm, worst {np.max(self.penetration_mm):.2f} mm"
        )


class Pictures:
    """One model for all scenes of a task: furniture, and as many moving bodies as parts."""

    def __init__(self, name: str) -> None:
        scene = scene_of(name, 0)
        views = [camera.view(0.0) for camera in scene.cameras]
        spec = picture_spec(scene, views, NEAR_FAR_M, Quality(0, LEAN_SHADOW_MAP))
        for key in task_of(name).objects.keys() - scene.objects.keys():
            add_surface(spec, key, task_of(name).objects[key].mesh)
        self.rows = [row for row, body in enumerate(scene.bodies) if not body.fixed]
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, self.data)
        ids = np.array([body.id for body in scene.bodies], np.uint16)
        size = (views[0].width, views[0].height)
        self.lean = Lean(self.model, ids, size=size, shadows=True)

    def enter(self, scene: Scene) -> None:
        """Give the moving bodies the shapes and colours of this scene's parts."""
        model = self.model
        model.geom_matid[self.rows] = -1  # parts have a colour each, and no texture here
        for row in self.rows:
            body = scene.bodies[row]
            mesh = model.mesh(body.object).id
            model.geom_dataid[row] = mesh
            model.geom_pos[row], model.geom_quat[row] = model.mesh_pos[mesh], model.mesh_quat[mesh]
            model.geom_sameframe[row] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE  # of the mesh before
            model.geom_rgba[row] = [*body.color, 1.0]

    def draw(self, X_WB: NDArray[np.float64], cameras: Sequence[str]) -> list[Frame]:
        """Every camera's picture of the parts as they lie."""
        for k, row in enumerate(self.rows):
            self.data.mocap_pos[k] = X_WB[row, :3, 3]
            self.data.mocap_quat[k] = quaternion_wxyz(X_WB[row])
        mujoco.mj_kinematics(self.model, self.data)
        return [self.lean.draw(self.data, camera) for camera in cameras]


class MujocoLine:
    """Scenes of one task, one after another: from the scene to a file."""

    def __init__(self, name: str, folder: Path, tuning: Tuning | None = None) -> None:
        self.name, self.folder, self.tuning = name, folder, tuning or Tuning()
        self.pictures, self.outcomes = Pictures(name), Outcomes()

    @property
    def outcome(self) -> str:
        """What became of the scenes so far."""
        return self.outcomes.text

    def __call__(self, index: int) -> Clock:
        """One scene."""
        scene, clock = scene_of(self.name, index), Clock()
        with clock("total"):
            with clock("load"):
                physics = Physics(scene, self.tuning)
                self.pictures.enter(scene)
            with clock("settle"):
                settled = physics.settle()
            self.outcomes.add(self.name, physics, settled)
            frames, poses = [], []
            for k in range(FRAMES[self.name]):
                with clock("ride"):
                    physics.ride(1 / scene.capture.fps if k else 0.0)
                with clock("render"):
                    poses.append(physics.poses())
                    frames.append(self.pictures.draw(poses[-1], [c.name for c in scene.cameras]))
            with clock("write"):
                self.write(index, [camera.name for camera in scene.cameras], frames, poses)
        return clock

    def write(
        self,
        index: int,
        cameras: Sequence[str],
        frames: Sequence[Sequence[Frame]],
        poses: Sequence[NDArray[np.float64]],
    ) -> None:
        """One HDF5 file: colour, depth in 0.1 mm, instance, poses."""
        image = BytesIO()
        with in_memory(image) as file:
            file["X_WB"] = np.stack(poses)
            for k, camera in enumerate(cameras):
                taken = [row[k] for row in frames]
                write_images(file, f"{camera}/rgb", [frame.rgb for frame in taken])
                depths = [depth_units(frame.depth_m, 1e-4) for frame in taken]
                write_images(file, f"{camera}/depth", depths)
                write_images(file, f"{camera}/instance", [frame.instance for frame in taken])
        (self.folder / f"{index}.h5").write_bytes(image.getbuffer())


def write_images(file: Any, name: str, images: Sequence[NDArray[Any]]) -> None:
    """One chunk a picture, compressed by simenv's function."""
    first = images[0]
    dataset = file.create_dataset(
        name,
        (len(images), *first.shape),
        first.dtype,
        chunks=(1, *first.shape),
        compression="gzip",
        compression_opts=LEVEL,
        shuffle=first.itemsize > 1,
    )
    for row, picture in enumerate(images):
        dataset.id.write_direct_chunk((row,) + (0,) * first.ndim, chunk(picture))


def settled_alone(name: str, index: int, tuning: Tuning, outcomes: Outcomes) -> float:
    """CPU ms of loading a scene and letting it settle."""
    scene, start = scene_of(name, index), time.process_time()
    physics = Physics(scene, tuning)
    settled = physics.settle()
    spent = time.process_time() - start
    outcomes.add(name, physics, settled)
    return 1e3 * spent


def main() -> None:
    """Compare settings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--scene", choices=list(FRAMES), default="tote")
    arguments = parser.parse_args()
    outcomes = {words: Outcomes() for words in TUNINGS}
    spent: dict[str, list[float]] = {words: [] for words in TUNINGS}
    for index in range(arguments.scenes):
        for words, tuning in TUNINGS.items():
            spent[words].append(settled_alone(arguments.scene, index, tuning, outcomes[words]))
    first = next(iter(outcomes.values()))
    for words, found in outcomes.items():
        height = same(first.heights, found.heights, step=SAME_HEIGHT_M)
        tilt = same(first.tilts, found.tilts, step=SAME_TILT_DEG)
        print(
            f"{words:24s} CPU ms mean {np.mean(spent[words]):6.1f}, median "
            f"{np.median(spent[words]):6.1f}; p {height:.2f}, {tilt:.2f}; {found.text}"
        )


if __name__ == "__main__":
    main()
