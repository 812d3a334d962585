"""An independent judge: do the pixels of a dataset follow from its poses, meshes and K?

It shares no code with simenv: h5py reads the file, trimesh casts one ray through each pixel centre
at the stored meshes, posed by the stored X_CB, and the answers are compared with the stored depth
and instance masks. Run it on any dataset::

    uv run python tests/judge.py out

Cameras whose near_m or far_m cut surfaces off are not what it is for: its rays have no planes.
The exit status is 0 if they agree, 1 if not, 2 if there is no dataset to judge.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import trimesh
from numpy.typing import NDArray

STEPS = 60  # to undo a distortion
MIN_PX = 400  # smaller instances are mostly border
MIN_MEAN_IOU, MIN_IOU = 0.998, 0.985
MAX_DEPTH_ERROR_M = 1e-4


@dataclass
class Verdict:
    """One number for each instance of more than MIN_PX pixels in the mask or to the rays."""

    iou: list[float] = field(default_factory=list)
    depth_error_m: list[float] = field(default_factory=list)  # median over the instance, or inf

    @property
    def agrees(self) -> bool:
        """Whether the pixels follow from the labels; no instances prove nothing."""
        return bool(
            self.iou
            and np.mean(self.iou) >= MIN_MEAN_IOU
            and np.min(self.iou) >= MIN_IOU
            and np.median(self.depth_error_m) <= MAX_DEPTH_ERROR_M
        )

    @property
    def text(self) -> str:
        """The figures in one line."""
        if not self.iou:
            return f"no instance has more than {MIN_PX} pixels: nothing was judged"
        iou, depth = np.array(self.iou), np.array(self.depth_error_m)
        return (
            f"{len(iou)} instances: mask IoU mean {iou.mean():.5f}, min {iou.min():.5f}; "
            f"median depth error {np.median(depth) * 1e3:.4f} mm, worst {depth.max() * 1e3:.4f} mm"
        )


def judge(path: Path, *, max_images: int | None = None) -> Verdict:
    """Judge the images of a dataset, evenly spread where they are more than ``max_images``.

    ``path`` is a file, or a folder with a dataset.h5.
    """
    verdict = Verdict()
    with h5py.File(path / "dataset.h5" if path.is_dir() else path) as file:
        meshes = {
            name: (group["vertices"][:].astype(np.float64), group["faces"][:])
            for name, group in file["objects/mesh"].items()
        }
        images = [(c, f) for c in file["cameras"] for f in range(len(file["frames/time_s"]))]
        step = max(1, len(images) // max_images) if max_images else 1
        for camera, frame in images[::step]:
            _judge_image(file, file["cameras"][camera], frame, meshes, verdict)
    return verdict


def _judge_image(
    file: h5py.File, camera: Any, frame: int, meshes: dict[str, Any], verdict: Verdict
) -> None:
    instance, K = camera["instance"][frame], camera["K"][frame]
    depth_m = camera["depth"][frame] * float(camera["depth"].attrs["scale_m"])
    names = file["objects/key"].asstr()[:]
    seen = camera["seen"]
    rows = np.flatnonzero(seen["frame"][:] == frame)
    body = seen["body"][:][rows]
    ids, objects = file["bodies/id"][:][body], file["bodies/object"][:][body]
    posed = [
        trimesh.Trimesh(*_posed(meshes[names[o]], X), process=False)
        for o, X in zip(objects, seen["X_CB"][:][rows], strict=True)
    ]
    rays = _rays(K, camera["distortion"][frame], *instance.shape)
    cast_id, cast_z = _cast(posed, ids, rays, *instance.shape)
    for body_id in np.union1d(ids, instance[instance > 0]):  # also ids that no row explains
        stored, cast = instance == body_id, cast_id == body_id
        if max(stored.sum(), cast.sum()) <= MIN_PX:
            continue
        both = stored & cast
        error = float(np.median(np.abs(depth_m - cast_z)[both])) if both.any() else np.inf
        verdict.iou.append(float(both.sum() / (stored | cast).sum()))
        verdict.depth_error_m.append(error)


def _posed(mesh: Any, X_CB: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    vertices, faces = mesh
    return vertices @ X_CB[:3, :3].T + X_CB[:3, 3], faces


def _rays(
    K: NDArray[np.float64], distortion: NDArray[np.float64], height: int, width: int
) -> NDArray[np.float64]:
    """Directions (H W, 3) with z = 1 of all pixels; OpenCV says where a direction is seen."""
    v, u = np.mgrid[:height, :width].reshape(2, -1)
    seen = np.column_stack([u, v, np.ones(u.size)]) @ np.linalg.inv(K).T
    rays = seen.copy()
    for _ in range(STEPS if distortion.any() else 0):  # a contraction, for any sane lens
        bent, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), np.eye(3), distortion)
        rays[:, :2] += seen[:, :2] - bent[:, 0]
    return np.asarray(rays)


def _cast(
    meshes: list[trimesh.Trimesh],
    ids: NDArray[np.int64],
    rays: NDArray[np.float64],
    height: int,
    width: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Id and z of the first surface behind every pixel; 0 where there is none."""
    if not meshes:
        return np.zeros((height, width), dtype=np.int64), np.zeros((height, width))
    owner = np.repeat(ids, [len(mesh.faces) for mesh in meshes])
    scene: Any = trimesh.util.concatenate(meshes)
    triangles = scene.ray.intersects_first(np.zeros_like(rays), rays)
    hit = triangles >= 0
    # The exact point: the ray against the plane of the triangle that was hit.
    corners = scene.triangles[triangles[hit]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    reach = np.einsum("ij,ij->i", corners[:, 0], normals) / np.einsum(
        "ij,ij->i", rays[hit], normals
    )
    body, z = np.zeros(len(rays), dtype=np.int64), np.zeros(len(rays))
    body[hit], z[hit] = owner[triangles[hit]], reach  # rays have z = 1
    return body.reshape(height, width), z.reshape(height, width)


def main() -> int:
    """Judge a dataset, print the figures; the exit status is the verdict."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path", type=Path, help="a dataset.h5, or the folder that holds it")
    parser.add_argument("--max-images", type=int, help="judge about so many, evenly spread")
    arguments = parser.parse_args()
    path: Path = arguments.path
    file = path / "dataset.h5" if path.is_dir() else path
    if not file.is_file() or not h5py.is_hdf5(file):
        problem = "is no HDF5 file" if file.is_file() else "does not exist"
        print(f"{file}: {problem}; name a dataset.h5, or the folder with one", file=sys.stderr)
        return 2
    verdict = judge(file, max_images=arguments.max_images)
    print(verdict.text)
    if verdict.iou and not verdict.agrees:
        print(
            f"pixels and labels disagree; asked are a mean IoU of {MIN_MEAN_IOU}, a least one of "
            f"{MIN_IOU} and a median depth error of {MAX_DEPTH_ERROR_M * 1e3} mm"
        )
    return 0 if verdict.agrees else 1


if __name__ == "__main__":
    sys.exit(main())
