"""Where cameras stand, what their lenses are, and what carries them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simenv import pose
from simenv.scene import Camera
from simenv.spec.camera import CameraPose, CameraSpec, Mount
from simenv.spec.task import TaskSpec

__all__ = ["cameras"]


def cameras(spec: TaskSpec) -> tuple[Camera, ...]:
    """The cameras of the scene, in the order of the file."""
    return tuple(_camera(spec, name) for name in spec.cameras)


def _camera(spec: TaskSpec, name: str) -> Camera:
    own = spec.cameras[name]
    lens = own if own.stereo_of is None else spec.cameras[own.stereo_of]
    times_s, X_WM = _mount(spec, lens)
    X_MC = (np.eye(4) if lens.X_MC is None else lens.X_MC.X_WC) @ lens.jitter.X_CJ
    K = lens.matrix
    if own.baseline_m is not None:
        X_MC = X_MC @ pose.pose(None, (own.baseline_m, 0.0, 0.0)) @ own.jitter.X_CJ
        K = own.jitter.lens(K)
    return Camera(
        name=name,
        width=own.resolution[0],
        height=own.resolution[1],
        K=K,
        times_s=times_s,
        X_WM=X_WM,
        near_m=own.near_m,
        far_m=own.far_m,
        depth_scale_m=own.depth_scale_m,
        X_MC=X_MC,
        body=lens.mount if lens.mount is not None and "/" in lens.mount else None,
        distortion=lens.distortion.coefficients,
        sensor=own.sensor,
    )


def _mount(spec: TaskSpec, lens: CameraSpec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times (P,) and poses (P, 4, 4) of the mount; one identity where a body is the mount."""
    keys = list(_keys(spec, lens))
    return np.array([time for time, _ in keys]), np.stack([X_WM for _, X_WM in keys])


def _keys(spec: TaskSpec, lens: CameraSpec) -> Iterator[tuple[float, pose.Matrix]]:
    holder: CameraSpec | Mount = lens
    if lens.mount is not None:
        if "/" in lens.mount:
            yield 0.0, np.eye(4)
            return
        holder = spec.scene.mounts[lens.mount]
    still: CameraPose | None = holder.X_WM if isinstance(holder, Mount) else holder.X_WC
    if still is not None:
        yield 0.0, still.X_WC
    yield from ((key.time_s, key.X_WC) for key in holder.path)
