"""What a camera is: its lens, where it stands or moves, and the device behind it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simenv import lens, pose
from simenv.spec.model import (
    Misplaced,
    Name,
    Positive,
    Rotation,
    Spec,
    Triple,
    Unsigned,
    fixed,
    visual,
)
from simenv.spec.sensor import Sensor

__all__ = [
    "COEFFICIENTS",
    "MAX_COEFFICIENT",
    "MAX_PX",
    "RESOLUTION_PX",
    "CameraPose",
    "CameraSpec",
    "Intrinsics",
    "Jitter",
    "Lens",
    "Mount",
    "Waypoint",
    "check_lens",
]

RESOLUTION_PX = (8, 8192)  # the least and the largest side of an image
MAX_PX = 1e5  # of a focal length or a principal point: so that nothing overflows
MAX_COEFFICIENT = 1e5
COEFFICIENTS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")  # in the order of OpenCV
MAX_PINHOLE_PX = 8192  # a side of the undistorted picture that a distorted one is made from


Focal = Annotated[float, Field(ge=1, le=MAX_PX)]  # pixels; with 1, all is within two pixels
Offset = Annotated[float, Field(ge=-MAX_PX, le=MAX_PX)]  # pixels


class Intrinsics(Spec):
    """K in OpenCV's convention: pixel centres at integers. Default principal point: the centre."""

    fx: Focal
    fy: Focal
    cx: Offset | None = None
    cy: Offset | None = None
    s: Offset = 0.0


class CameraPose(Spec):
    """X_WC as ``eye`` + ``target`` (+ ``up``), or as ``p`` + ``rotation`` (OpenCV camera axes)."""

    eye: Triple | None = None
    target: Triple | None = None
    up: Triple = (0.0, 0.0, 1.0)
    p: Triple | None = None
    rotation: Rotation | None = None

    @model_validator(mode="after")
    def _one_form(self) -> CameraPose:
        looking = (self.eye is not None, self.target is not None)
        placed = (self.p is not None, self.rotation is not None)
        if (looking, placed) not in {((True, True), (False, False)), ((False,) * 2, (True,) * 2)}:
            raise ValueError("must have eye and target, or p and rotation; remove or add keys")
        if self.eye == self.target and self.eye is not None:
            raise Misplaced(("target",), "is the same point as eye; move one of them")
        if self.up == (0.0, 0.0, 0.0):
            raise Misplaced(("up",), "has no direction; write for example [0, 0, 1]")
        return self

    @property
    def X_WC(self) -> pose.Matrix:
        """The pose of the camera (x right, y down, z forward) in the world, (4, 4)."""
        if self.p is not None and self.rotation is not None:
            return self.rotation.X_AB(self.p)
        assert self.eye is not None
        assert self.target is not None
        return pose.look_at(self.eye, self.target, self.up)


class Waypoint(CameraPose):
    """A camera pose at ``time_s`` after the first frame."""

    time_s: Unsigned


Pixels = Annotated[int, Field(ge=RESOLUTION_PX[0], le=RESOLUTION_PX[1])]


Coefficient = Annotated[float, Field(ge=-MAX_COEFFICIENT, le=MAX_COEFFICIENT)]


class Lens(Spec):
    """Distortion in OpenCV's terms: Brown-Conrady, and the rational k4..k6 (see calib3d)."""

    k1: Coefficient = 0.0
    k2: Coefficient = 0.0
    p1: Coefficient = 0.0
    p2: Coefficient = 0.0
    k3: Coefficient = 0.0
    k4: Coefficient = 0.0
    k5: Coefficient = 0.0
    k6: Coefficient = 0.0

    @property
    def coefficients(self) -> NDArray[np.float64] | None:
        """(8,) k1, k2, p1, p2, k3, k4, k5, k6: OpenCV's distCoeffs; None for a pinhole."""
        values = np.array([getattr(self, name) for name in COEFFICIENTS])
        return values if values.any() else None


class Jitter(Spec):
    """How a camera differs from its drawing: what mounting and calibration leave; for `domain:`."""

    p_m: Triple = (0.0, 0.0, 0.0)
    """Offset in the camera's own axes."""
    rpy_deg: Triple = (0.0, 0.0, 0.0)
    """Rotation about the camera's own axes."""
    focal: Annotated[float, Field(ge=0.01, le=100)] = 1.0
    """Factor of fx and fy."""
    center_px: tuple[Offset, Offset] = (0.0, 0.0)
    """Added to cx, cy."""

    @property
    def X_CJ(self) -> pose.Matrix:
        """Where the camera really is, in the frame where it should be, (4, 4)."""
        return pose.from_rpy_deg(self.rpy_deg, self.p_m)

    def lens(self, K: NDArray[np.float64]) -> NDArray[np.float64]:
        """K (3, 3) as it really is."""
        jittered = K.copy()
        jittered[:2, :2] *= self.focal
        jittered[:2, 2] += self.center_px
        return jittered


class Mount(Spec):
    """A frame that cameras can stand on, still (``X_WM``) or moving (``path``)."""

    X_WM: CameraPose | None = None
    path: tuple[Waypoint, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Mount:
        if (self.X_WM is None) == (not self.path):
            text = "must have one of X_WM (still) and path (moving); remove or add one"
            raise ValueError(text)
        _check_path(self.path)
        return self


class CameraSpec(Spec):
    """A camera: still (``X_WC``), moving (``path``), carried (``mount``), or right of a pair."""

    resolution: tuple[Pixels, Pixels] = fixed()
    """Width and height."""
    K: Intrinsics | None = None
    fov_y_deg: Annotated[float, Field(gt=1, lt=170)] | None = None
    distortion: Lens = Lens()
    X_WC: CameraPose | None = None
    path: tuple[Waypoint, ...] = ()
    mount: str | None = fixed(None)
    """A mount of the scene, or a body such as parts/0, that carries the camera at ``X_MC``."""
    X_MC: CameraPose | None = None
    stereo_of: Name | None = fixed(None)
    """The left camera of a pair; this one has its lens, and its pose ``baseline_m`` along x."""
    baseline_m: Positive | None = None
    jitter: Jitter = Jitter()
    near_m: Positive | None = None
    """Default: fitted to the scene, which gives the finest depth."""
    far_m: Positive | None = None
    depth_scale_m: Annotated[float, Field(ge=1e-6, le=0.1)] = fixed(1e-4)
    """Metres of one depth unit."""

    sensor: Sensor = visual(Sensor())
    """What the device makes of the clean pictures; stored beside them."""

    @property
    def matrix(self) -> NDArray[np.float64]:
        """K (3, 3) with the camera's own jitter; pixel centres at integers.

        So the middle of w pixels is (w - 1) / 2, and a field of view ends half a pixel outside the
        outermost centres. Only for a camera with a lens of its own.
        """
        width, height = self.resolution
        cx, cy, s = (width - 1) / 2, (height - 1) / 2, 0.0
        if self.K is not None:
            fx, fy, s = self.K.fx, self.K.fy, self.K.s
            cx = cx if self.K.cx is None else self.K.cx
            cy = cy if self.K.cy is None else self.K.cy
        else:
            assert self.fov_y_deg is not None
            fx = fy = height / 2 / float(np.tan(np.radians(self.fov_y_deg) / 2))
        return self.jitter.lens(np.array([[fx, s, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]))

    @model_validator(mode="after")
    def _consistent(self) -> CameraSpec:
        if (self.stereo_of is None) != (self.baseline_m is None):
            raise ValueError("must have both stereo_of and baseline_m, or none; remove or add one")
        self._check_lens()
        poses = (self.X_WC is not None) + bool(self.path) + (self.mount is not None)
        if poses != (self.stereo_of is None):
            what = "one of X_WC (still), path (moving) and mount (carried)"
            what = what if self.stereo_of is None else "no pose of its own: stereo_of gives it"
            raise ValueError(f"must have {what}; remove or add one")
        if (self.mount is None) != (self.X_MC is None):
            raise ValueError("must have both mount and X_MC, or none; remove or add one")
        _check_path(self.path)
        if self.sensor.depth is not None and self.distortion.coefficients is not None:
            text = "gives rectified pictures; remove distortion, or give depth to another camera"
            raise Misplaced(("sensor", "depth"), text)
        if self.near_m is not None and self.far_m is not None and self.near_m >= self.far_m:
            text = f"must be below far_m {self.far_m}, got {self.near_m}; lower it"
            raise Misplaced(("near_m",), text)
        return self

    def _check_lens(self) -> None:
        lenses = (self.K is not None) + (self.fov_y_deg is not None)
        if lenses != (self.stereo_of is None):
            shared = self.stereo_of is not None
            what = "no K: stereo_of gives it" if shared else "one of K and fov_y_deg"
            raise ValueError(f"must have {what}; remove or add one")
        distortion = self.distortion.coefficients
        if self.stereo_of is None:
            check_lens(self.resolution, self.matrix, distortion)
        elif distortion is not None:
            raise Misplaced(("distortion",), "is that of stereo_of; remove it")


def check_lens(
    resolution: tuple[int, int], K: NDArray[np.float64], distortion: NDArray[np.float64] | None
) -> None:
    """That a distorted picture can be drawn.

    Raises:
        Misplaced: if the lens folds inside the image, or shows too much for a pinhole picture.
    """
    if distortion is None:
        return
    blind = lens.blind_pixels(*resolution, K, distortion)
    if len(blind):
        u, v = (round(x) for x in blind[0])
        text = f"folds inside the image: no direction leads to pixel ({u}, {v})"
        way_out = "lower it, or use the K and resolution it was calibrated with"
        raise Misplaced(("distortion",), f"{text}; {way_out}")
    wide = lens.pinhole(*resolution, K, distortion)
    if max(wide.width, wide.height) > MAX_PINHOLE_PX:
        text = f"shows what takes {wide.width} x {wide.height} pixels without it"
        way_out = f"at most {MAX_PINHOLE_PX} a side can be drawn; lower the resolution"
        raise Misplaced(("distortion",), f"{text}, and {way_out}")


def _check_path(path: tuple[Waypoint, ...]) -> None:
    times = [waypoint.time_s for waypoint in path]
    if any(b <= a for a, b in pairwise(times)):
        raise Misplaced(("path",), "time_s must increase from waypoint to waypoint; sort them")
