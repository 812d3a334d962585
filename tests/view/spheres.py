"""A scene whose every pixel is known: spheres before a tilted wall, cast analytically."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simenv import lens, pose
from simenv.view.shot import Part, Shot, Value

K = np.array([[600.0, 0.0, 319.5], [0.0, 600.0, 239.5], [0.0, 0.0, 1.0]])
RADIUS_M = 0.05
COLORS = np.array([(150, 152, 156), (205, 120, 60), (90, 140, 190), (180, 180, 90)])

Pictures = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint16]]
Box = tuple[int, int, int, int]

SIZE_M = 2 * RADIUS_M * np.sqrt(3.0)  # length of the diagonal of the box around a sphere
STEP_M = 0.03  # the spheres move so far to the camera's right until the next frame
KEYPOINTS = {"ahead": (0.0, 0.0, RADIUS_M), "side": (RADIUS_M, 0.0, 0.0)}  # body frame
CLASSES = ("ball", "shelf", "marble")
LENS = np.array([-0.3, 0.1, 0.002, -0.003, 0.0, 0.0, 0.0, 0.0])  # bends lines, folds nothing


@dataclass(frozen=True, eq=False)
class Cast:
    """What a ray through each pixel centre meets first."""

    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    instance: NDArray[np.uint16]
    normals: NDArray[np.float32]  # (H, W, 3) unit, camera axes
    nocs: NDArray[np.float32]  # (H, W, 3)
    flow: NDArray[np.float32]  # (H, W, 2) px, where the spheres move by STEP_M and the wall stays


def cast(
    X_CB: NDArray[np.float64], *, shape: tuple[int, int] = (480, 640), K: NDArray[np.float64] = K
) -> Pictures:
    """Rgb, depth and mask of spheres (N, 4, 4), ids 1.., before the wall z = 1.2 + 0.1 x."""
    found = cast_all(X_CB, shape=shape, K=K)
    return found.rgb, found.depth_m, found.instance


def cast_all(
    X_CB: NDArray[np.float64],
    *,
    shape: tuple[int, int] = (480, 640),
    K: NDArray[np.float64] = K,
    distortion: NDArray[np.float64] | None = None,
) -> Cast:
    """All that is known of each pixel of `cast`."""
    slopes = lens.rays(shape[1], shape[0], K, distortion)
    ray = np.concatenate([slopes, np.ones((*shape, 1))], axis=-1)
    depth = 1.2 / (1.0 - 0.1 * ray[..., 0])
    instance = np.zeros(shape, dtype=np.uint16)
    normal = np.broadcast_to(np.array([0.1, 0.0, -1.0]) / np.sqrt(1.01), ray.shape).copy()
    nocs, flow = np.zeros_like(ray), np.zeros((*shape, 2))
    for index, X in enumerate(X_CB, start=1):
        center = X[:3, 3]
        a, b = (ray * ray).sum(-1), ray @ center
        root = b * b - a * (center @ center - RADIUS_M**2)
        z = np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
        hit = z < depth
        depth[hit], instance[hit] = z[hit], index
        p_C = ray[hit] * z[hit][:, None]
        normal[hit] = (p_C - center) / RADIUS_M
        nocs[hit] = (p_C - center) @ X[:3, :3] / SIZE_M + 0.5
        later = lens.project(p_C + np.array([STEP_M, 0, 0]), K, distortion)
        flow[hit] = later - lens.project(p_C, K, distortion)
    light = 0.45 + 0.55 * np.clip(normal @ np.array([-0.5, -0.6, -0.62]), 0, 1)
    color = COLORS[np.where(instance > 0, 1 + instance % 3, 0)]
    return Cast(
        (color * light[..., None]).astype(np.uint8),
        depth.astype(np.float32),
        instance,
        normal.astype(np.float32),
        nocs.astype(np.float32),
        flow.astype(np.float32),
    )


def box(mask: NDArray[np.bool_]) -> Box | None:
    """x, y, width, height of the True pixels."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None
    x, y = int(columns.min()), int(rows.min())
    return x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1


def poses(count: int, seed: int = 0) -> NDArray[np.float64]:
    """X_CB of spheres that are in view of `K` at 640x480, (count, 4, 4)."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((-0.45, -0.32, 0.9), (0.45, 0.32, 1.1), (count, 3))
    turns = [pose.from_rpy_deg(rng.uniform(-180, 180, 3).tolist(), p) for p in places]
    return np.array(turns).reshape(count, 4, 4)


def shot(count: int = 6, *, seed: int = 0, object_name: str = "ball") -> Shot:
    """A picture of ``count`` spheres, 640x480."""
    X_CB = poses(count, seed)
    rgb, depth_m, instance = cast(X_CB)
    boxes = [box(instance == index) for index in range(1, count + 1)]
    parts = tuple(
        Part(i + 1, object_name, 2 * RADIUS_M, X_CB[i], 0.75, found)
        for i, found in enumerate(boxes)
    )
    values = (
        Value("actors.parts.count", str(count), False),
        Value("scene.belts.main.speed_m_s", "0.1732", False),
        Value("look.light.elevation_deg", "54.2", True),
    )
    return Shot(seed, seed, "core", "overhead", 0, 1.25, rgb, depth_m, instance, K, parts, values)


def corners(X_CB: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (8, 3) of the box around a sphere, in the camera; bits 0, 1, 2 are x, y, z."""
    signs = [[1 if corner >> axis & 1 else -1 for axis in range(3)] for corner in range(8)]
    return np.asarray(RADIUS_M * np.array(signs) @ X_CB[:3, :3].T + X_CB[:3, 3])


def keypoints(
    X_CB: NDArray[np.float64],
    index: int,
    instance: NDArray[np.uint16],
    K: NDArray[np.float64],
    distortion: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Pixels (2, 2) and states (2,) of KEYPOINTS on sphere ``index`` of the mask."""
    p_B = np.array(list(KEYPOINTS.values()))
    p_C = p_B @ X_CB[:3, :3].T + X_CB[:3, 3]
    uv = lens.project(p_C, K, distortion)
    height, width = instance.shape
    inside = ((uv > -0.5) & (uv < (width - 0.5, height - 0.5))).all(axis=1)
    column, row = np.rint(uv).astype(int).clip(0, (width - 1, height - 1)).T
    towards = np.einsum("ij,ij->i", p_C - X_CB[:3, 3], p_C) < 0  # the near side of the sphere
    seen = towards & (instance[row, column] == index)
    return uv.astype(np.float32), np.where(inside, np.where(seen, 3, 2), 1).astype(np.uint8)


def rich_shot(
    count: int = 5, *, seed: int = 0, distortion: NDArray[np.float64] | None = None
) -> Shot:
    """A `shot` with every label; the second sphere is a distractor."""
    plain, found = shot(count, seed=seed), cast_all(poses(count, seed), distortion=distortion)
    parts = []
    for row, part in enumerate(plain.parts):
        uv, state = keypoints(part.X_CB, part.id, found.instance, K, distortion)
        parts.append(
            replace(
                part,
                box=box(found.instance == part.id),
                distractor=row == 1,
                truncation=0.2 * row,
                occluder=count if row == 0 else 0,
                touches=(0, count) if row == 0 else (),
                corners_C=corners(part.X_CB),
                corners_uv=lens.project(corners(part.X_CB), K, distortion).astype(np.float32),
                keypoints_uv=uv,
                keypoints_state=state,
            )
        )
    return replace(
        plain,
        rgb=found.rgb,
        depth_m=found.depth_m,
        instance=found.instance,
        parts=tuple(parts),
        distortion=distortion,
        semantic=np.where(found.instance, 1 + found.instance % 2 * 2, 0).astype(np.uint16),
        classes=CLASSES,
        normals=found.normals,
        nocs=found.nocs,
        flow=found.flow,
        rgb_sensor=found.rgb // 2,
        depth_sensor_m=np.where(found.depth_m < 1.15, found.depth_m + np.float32(0.01), 0),
    )
