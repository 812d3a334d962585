"""A scene whose every pixel is known: spheres before a tilted wall, cast analytically."""

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.view.shot import Part, Shot, Value

K = np.array([[600.0, 0.0, 319.5], [0.0, 600.0, 239.5], [0.0, 0.0, 1.0]])
RADIUS_M = 0.05
COLORS = np.array([(150, 152, 156), (205, 120, 60), (90, 140, 190), (180, 180, 90)])

Pictures = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint16]]
Box = tuple[int, int, int, int]


def cast(
    X_CB: NDArray[np.float64], *, shape: tuple[int, int] = (480, 640), K: NDArray[np.float64] = K
) -> Pictures:
    """Rgb, depth and mask of spheres (N, 4, 4), ids 1.., before the wall z = 1.2 + 0.1 x."""
    u, v = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    ray = np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones(shape)], axis=-1)
    depth = 1.2 / (1.0 - 0.1 * ray[..., 0])
    instance = np.zeros(shape, dtype=np.uint16)
    normal = np.broadcast_to(np.array([0.1, 0.0, -1.0]) / np.sqrt(1.01), ray.shape).copy()
    for index, center in enumerate(X_CB[:, :3, 3], start=1):
        a, b = (ray * ray).sum(-1), ray @ center
        root = b * b - a * (center @ center - RADIUS_M**2)
        z = np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
        hit = z < depth
        depth[hit], instance[hit] = z[hit], index
        normal[hit] = (ray[hit] * z[hit][:, None] - center) / RADIUS_M
    light = 0.45 + 0.55 * np.clip(normal @ np.array([-0.5, -0.6, -0.62]), 0, 1)
    color = COLORS[np.where(instance > 0, 1 + instance % 3, 0)]
    return (color * light[..., None]).astype(np.uint8), depth.astype(np.float32), instance


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
