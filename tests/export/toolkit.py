"""A reader of BOP folders that shares nothing with the writer: JSON, its own PLY parser, rays.

What it takes for granted is BOP's page on the format and how the BOP toolkit uses it: models and
translations in millimetres, K row by row, images by six digits, masks by image and instance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

DELTA_MM = 0.5  # how much farther than the depth image a visible surface may be; the toolkit: 5-15


@dataclass(frozen=True, eq=False)
class Instance:
    """One annotated object in one image: what the files say of it."""

    image: Image
    number: int  # of the instance in the image
    gt: dict[str, Any]
    info: dict[str, Any]
    mask: NDArray[np.bool_]
    visible: NDArray[np.bool_]

    @property
    def X_CM(self) -> NDArray[np.float64]:
        """Model to camera, (4, 4), millimetres."""
        X = np.eye(4)
        X[:3, :3] = np.array(self.gt["cam_R_m2c"]).reshape(3, 3)
        X[:3, 3] = self.gt["cam_t_m2c"]
        return X


@dataclass(frozen=True, eq=False)
class Image:
    """One picture: what the files say of it."""

    scene: int
    number: int
    camera: dict[str, Any]
    rgb: NDArray[np.uint8]
    depth_mm: NDArray[np.float64]
    gt: list[Any]
    info: list[Any]
    folder: Path

    @property
    def K(self) -> NDArray[np.float64]:
        """(3, 3)."""
        return np.array(self.camera["cam_K"]).reshape(3, 3)

    @property
    def instances(self) -> Iterator[Instance]:
        """All of them."""
        for number, (gt, info) in enumerate(zip(self.gt, self.info, strict=True)):
            name = f"{self.number:06d}_{number:06d}.png"
            masks = [_picture(self.folder / kind / name) > 0 for kind in ("mask", "mask_visib")]
            yield Instance(self, number, gt, info, *masks)


def images(root: Path) -> Iterator[Image]:
    """Every picture of the split `train`."""
    for folder in sorted((root / "train").iterdir()):
        cameras, gts, infos = (
            json.loads((folder / f"{name}.json").read_text())
            for name in ("scene_camera", "scene_gt", "scene_gt_info")
        )
        for key, camera in cameras.items():
            name = f"{int(key):06d}.png"
            depth = _picture(folder / "depth" / name)
            assert depth.dtype == np.uint16
            yield Image(
                scene=int(folder.name),
                number=int(key),
                camera=camera,
                rgb=_picture(folder / "rgb" / name)[..., ::-1],
                depth_mm=depth * float(camera["depth_scale"]),
                gt=gts[key],
                info=infos[key],
                folder=folder,
            )


def _picture(path: Path) -> Any:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None, path
    return found


@dataclass(frozen=True, eq=False)
class Ply:
    """A PLY file."""

    properties: tuple[tuple[str, str], ...]  # (type, name) of a vertex
    list_line: str  # the property of a face
    points: NDArray[np.float64]  # (V, 3)
    normals: NDArray[np.float64]  # (V, 3)
    faces: NDArray[np.int64]  # (T, 3)


def read_ply(path: Path) -> Ply:
    """Parse ASCII PLY, strictly."""
    lines = path.read_text(encoding="ascii").split("\n")
    end = lines.index("end_header")
    header, body = lines[:end], lines[end + 1 :]
    assert header[:2] == ["ply", "format ascii 1.0"]
    (vertices,) = (int(line.split()[2]) for line in header if line.startswith("element vertex"))
    (faces,) = (int(line.split()[2]) for line in header if line.startswith("element face"))
    words = [line.split() for line in header if line.startswith("property")]
    properties = tuple((kind, name) for _, kind, *rest, name in words if not rest)
    (list_line,) = (line for line in header if line.startswith("property list"))
    rows = np.array([line.split() for line in body[:vertices]], dtype=np.float64)
    corners = np.array([line.split() for line in body[vertices : vertices + faces]], dtype=np.int64)
    assert body[vertices + faces :] == [""]
    assert (corners[:, 0] == 3).all()
    assert rows.shape == (vertices, 6)
    return Ply(properties, list_line, rows[:, :3], rows[:, 3:], corners[:, 1:])


def depth_on_canvas(
    ply: Ply, X_CM: NDArray[np.float64], K: NDArray[np.float64], height: int, width: int
) -> NDArray[np.float64]:
    """Depth (3 H, 3 W) in mm of a model alone, the image in the middle; 0 where there is none.

    One ray through each pixel centre, where K has its origin in the centre of the first pixel.
    """
    depth = np.zeros((3 * height, 3 * width))
    points = ply.points @ X_CM[:3, :3].T + X_CM[:3, 3]
    pixels = points @ K.T
    pixels = pixels[:, :2] / pixels[:, 2:] + (width, height)
    low = np.clip(np.floor(pixels.min(axis=0)).astype(int), 0, (3 * width, 3 * height))
    high = np.clip(np.ceil(pixels.max(axis=0)).astype(int) + 1, 0, (3 * width, 3 * height))
    v, u = np.mgrid[low[1] : high[1], low[0] : high[0]]
    if u.size:
        window = np.stack([u.ravel() - width, v.ravel() - height, np.ones(u.size)], axis=1)
        z = _first_hit(points[ply.faces], window @ np.linalg.inv(K).T)
        depth[low[1] : high[1], low[0] : high[0]] = z.reshape(u.shape)
    return depth


def _first_hit(corners: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance in units of ``rays`` (R, 3) to the first triangle (T, 3, 3); 0 for none."""
    mesh = trimesh.Trimesh(corners.reshape(-1, 3), np.arange(corners.size // 3).reshape(-1, 3))
    triangle = mesh.ray.intersects_first(np.zeros_like(rays), rays)
    hit = triangle >= 0
    a, b, c = (mesh.triangles[triangle[hit]][:, k] for k in range(3))
    normal = np.cross(b - a, c - a)
    z = np.zeros(len(rays))
    z[hit] = np.einsum("ij,ij->i", a, normal) / np.einsum("ij,ij->i", rays[hit], normal)
    return z


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    either = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / either if either else 1.0
