"""What a calibration file of OpenCV or ROS says about a camera, and how a task file says it.

Read are: OpenCV's FileStorage (``%YAML:1.0``, or JSON), ROS's camera_info files, and a printed
CameraInfo message. Both have pixel centres at integers, as K has here, so K is taken as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv import lens
from simenv.errors import InputError
from simenv.spec import yaml
from simenv.spec.camera import COEFFICIENTS, MAX_COEFFICIENT, MAX_PX, RESOLUTION_PX, check_lens
from simenv.spec.model import Misplaced
from simenv.spec.yaml import Document, Key, Problem, flow

__all__ = ["Calibration", "describe", "read_calibration", "stanza"]

WIDTHS = ("image_width", "width", "imageWidth")
HEIGHTS = ("image_height", "height", "imageHeight")
SIZES = ("image_size", "imageSize", "resolution")
MATRICES = ("camera_matrix", "cameraMatrix", "Camera_Matrix", "K", "k")
DISTORTIONS = (
    "distortion_coefficients",
    "Distortion_Coefficients",
    "dist_coeffs",
    "distCoeffs",
    "dist_coefs",
    "D",
    "d",
)
NAMES = ("camera_name", "cameraName", "name")

MODELS = ("plumb_bob", "rational_polynomial", "none", "")
FISHEYES = ("equidistant", "fisheye", "kannala_brandt", "omni", "omnidir", "mei", "ds", "eucm")
LENGTHS = (0, 4, 5, 8, 12, 14)  # of OpenCV's distCoeffs; beyond 8: thin prism, tilted sensor
CURE = "calibrate it with plumb_bob or rational_polynomial"


@dataclass(frozen=True, eq=False)
class Calibration:
    """A calibrated camera."""

    width: int
    height: int
    K: NDArray[np.float64]  # (3, 3) OpenCV, pixel centres at integers
    distortion: NDArray[np.float64] | None  # (8,) k1 k2 p1 p2 k3 k4 k5 k6; None: a pinhole
    name: str  # a name for it in a task file


def read_calibration(path: Path) -> Calibration:
    """The camera that a calibration file describes.

    Raises:
        InputError: one line ``file:line:column: key: what; the way out`` for what is wrong, or for
            what a task file cannot say: fisheye models, prism terms, binning, a region of interest.
    """
    name, text = yaml.load(path)
    if text.lstrip().startswith("<?xml"):
        raise InputError(f"{name}:1:1: is XML; save it as YAML, a name that ends in .yaml does it")
    file = yaml.parse(_plain(text), name=name, first="image_width: 640")
    _check_model(file)
    _check_cut(file)
    width, height = _size(file)
    K, distortion = _matrix(file), _distortion(file)
    try:
        check_lens((width, height), K, distortion)
    except Misplaced as error:
        raise _wrong(file, (_key(file, DISTORTIONS) or "",), str(error)) from None
    return Calibration(width, height, K, distortion, _name(file, path))


def stanza(calibration: Calibration) -> str:
    """The camera as YAML to paste below ``cameras:``; it does not say where the camera stands."""
    (fx, s, cx), (_, fy, cy), _ = calibration.K.tolist()
    K = {"fx": fx, "fy": fy, "cx": cx, "cy": cy, **({"s": s} if s else {})}
    rows: dict[str, Any] = {"resolution": (calibration.width, calibration.height), "K": K}
    if calibration.distortion is not None:
        bent = zip(COEFFICIENTS, calibration.distortion.tolist(), strict=True)
        rows["distortion"] = {name: value for name, value in bent if value}
    lines = (f"  {key}: {flow(value)}\n" for key, value in rows.items())
    return f"{calibration.name}:\n{''.join(lines)}"


def describe(path: Path) -> str:
    """A calibration file in words (as YAML comments), and its `stanza`; no newline at the end.

    Raises:
        InputError: as `read_calibration`.
    """
    camera = read_calibration(path)
    across, down = _field_deg(camera)
    return (
        f"# {camera.width} x {camera.height} pixels, {across:.1f} x {down:.1f} degrees; "
        f"{_bend(camera)}\n"
        "# Paste below `cameras:`, and add where it stands: X_WC, path, or mount and X_MC.\n"
        f"{stanza(camera)}"
    ).rstrip()


def _field_deg(camera: Calibration) -> tuple[float, float]:
    """Angles between the outermost pixels, through the middle of the image."""
    u, v = camera.width - 1, camera.height - 1
    ends = np.array([[0, v / 2], [u, v / 2], [u / 2, 0], [u / 2, v]])
    x, y = lens.unproject(ends, camera.K, camera.distortion).T
    left, right, top, bottom = np.degrees(np.arctan([x[0], x[1], y[2], y[3]]))
    return float(right - left), float(bottom - top)


def _bend(camera: Calibration) -> str:
    if camera.distortion is None:
        return "a pinhole"
    u, v = camera.width - 1, camera.height - 1
    corners = np.array([[0, 0], [u, 0], [0, v], [u, v]], np.float64)
    xy = lens.unproject(corners, camera.K, camera.distortion)
    straight = lens.project(np.column_stack([xy, np.ones(4)]), camera.K)
    moved = np.linalg.norm(straight - corners, axis=1).max()
    return f"the lens moves the corners by up to {moved:.1f} pixels"


def _plain(text: str) -> str:
    """FileStorage's YAML 1.0, and a message as ``topic echo`` prints it, as YAML 1.2.

    Lines and columns stay where they are.
    """
    text = re.sub(r"^%YAML:1\.\d[^\n]*", "", text)
    text = re.sub(r"(?<=:)( *)!!opencv-matrix(?=[ \r\n{])", lambda tag: " " * len(tag[0]), text)
    return re.sub(r"\s*\n---\s*$", "\n", text)  # ends a message; another may follow


def _check_model(file: Document) -> None:
    model = file.value.get("distortion_model") or ""
    if model in FISHEYES or "xi" in file.value or file.value.get("fisheye_model"):
        key = next(k for k in ("distortion_model", "xi", "fisheye_model") if file.value.get(k))
        got = flow(file.value[key], cut=True)
        raise _wrong(file, (key,), f"{got} says fisheye, which k1 to k6 cannot describe; {CURE}")
    if model not in MODELS:
        known = " and ".join(MODELS[:2])
        text = f"no lens model {flow(model, cut=True)}, there is {known}; {CURE}"
        raise _wrong(file, ("distortion_model",), text)


def _check_cut(file: Document) -> None:
    """That the picture is whole: ROS keeps K of the full sensor beside what was cut from it."""
    for key in ("binning_x", "binning_y"):
        if (times := file.value.get(key, 0)) not in (0, 1):
            text = f"K is that of the picture before binning, got {flow(times, cut=True)}"
            raise _wrong(file, (key,), f"{text}; scale K and the size to the picture, remove it")
    roi = file.value.get("roi")
    if not isinstance(roi, Mapping):
        return
    keys = ("x_offset", "y_offset", "width", "height")
    cut = tuple(roi.get(key, 0) for key in keys)
    if cut not in ((0, 0, 0, 0), (0, 0, *_size(file))):
        text = f"K is that of the whole picture, got the part {flow(cut, cut=True)}"
        raise _wrong(file, ("roi",), f"{text}; move cx, cy and the size to the part, remove it")


def _size(file: Document) -> tuple[int, int]:
    if (both := _key(file, SIZES)) is not None:
        values, path = _numbers(file, both)
        if len(values) != 2:
            text = f"must be [width, height], got {len(values)} numbers; write two"
            raise _wrong(file, path, text)
        return _pixels(file, path, values[0]), _pixels(file, path, values[1])
    width, height = (_key(file, keys) for keys in (WIDTHS, HEIGHTS))
    if width is None or height is None:
        missing = "image_width" if width is None else "image_height"
        text = "is missing; add image_width and image_height in pixels"
        raise _wrong(file, (missing,), text)
    return (
        _pixels(file, (width,), file.value[width]),
        _pixels(file, (height,), file.value[height]),
    )


def _pixels(file: Document, path: tuple[Key, ...], value: Any) -> int:
    low, high = RESOLUTION_PX
    whole = not isinstance(value, bool) and isinstance(value, int | float) and value == int(value)
    if not whole or not low <= value <= high:
        text = f"must be a whole number of pixels from {low} to {high}, got {flow(value, cut=True)}"
        raise _wrong(file, path, f"{text}; write the size that it was calibrated at")
    return int(value)


def _matrix(file: Document) -> NDArray[np.float64]:
    key = _key(file, MATRICES)
    if key is None:
        raise _wrong(file, ("camera_matrix",), "is missing; add camera_matrix, or K")
    values, path = _numbers(file, key)
    form = "[fx, s, cx, 0, fy, cy, 0, 0, 1]"
    if len(values) != 9:
        raise _wrong(file, path, f"must be 9 numbers, got {len(values)}; write {form}")
    K = np.array(values).reshape(3, 3)
    if not K.any():
        text = "is all zero: the camera was never calibrated; calibrate it"
        raise _wrong(file, path, text)
    upper = K[1, 0] == 0 and K[2].tolist() == [0, 0, 1]
    if not upper or min(K[0, 0], K[1, 1]) < 1 or np.abs(K).max() > MAX_PX:
        text = f"must be {form} with fx and fy from 1 to {MAX_PX:.0f}, got {flow(values, cut=True)}"
        raise _wrong(file, path, f"{text}; list it row by row, in pixels")
    return K


def _distortion(file: Document) -> NDArray[np.float64] | None:
    """(8,), None where all are zero."""
    key = _key(file, DISTORTIONS)
    if key is None:
        if file.value.get("distortion_model") == "none":
            return None
        text = "is missing; for a lens without distortion write [0, 0, 0, 0, 0]"
        raise _wrong(file, ("distortion_coefficients",), text)
    values, path = _numbers(file, key)
    if len(values) not in LENGTHS:
        known = ", ".join(map(str, LENGTHS[1:]))
        text = f"must be {known} numbers, got {len(values)}; list k1, k2, p1, p2, k3 and so on"
        raise _wrong(file, path, text)
    if any(values[8:]):
        text = f"has prism or tilt terms, {flow(values[8:])}"
        raise _wrong(file, path, f"{text}; calibrate it without them")
    if max(map(abs, values), default=0.0) > MAX_COEFFICIENT:
        text = f"is beyond any lens, got {flow(values, cut=True)}"
        raise _wrong(file, path, f"{text}; at most {MAX_COEFFICIENT:.0f} is read, calibrate again")
    coefficients = np.array((*values, *(0.0,) * 8)[:8])
    return coefficients if coefficients.any() else None


def _numbers(file: Document, key: str) -> tuple[tuple[float, ...], tuple[Key, ...]]:
    """The numbers below ``key``, row by row, and where they stand.

    Given as a list, a list of rows, or as rows, cols and data.
    """
    value = file.value[key]
    if not isinstance(value, Mapping):
        return _flat(file, value, (key,)), (key,)
    if "data" not in value:
        raise _wrong(file, (key,), "has no data; add rows, cols and data")
    values, path = _flat(file, value["data"], (key, "data")), (key, "data")
    rows, cols = value.get("rows"), value.get("cols")
    if isinstance(rows, int) and isinstance(cols, int) and rows * cols != len(values):
        text = f"must be {rows} x {cols} numbers, got {len(values)}"
        raise _wrong(file, path, f"{text}; correct rows and cols, or the data")
    return values, path


def _flat(file: Document, value: Any, path: tuple[Key, ...]) -> tuple[float, ...]:
    if isinstance(value, tuple):
        return tuple(x for i, row in enumerate(value) for x in _flat(file, row, (*path, i)))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(file, path, f"must be a number, got {flow(value, cut=True)}; write it as 1.5")
    return (float(value),)


def _name(file: Document, path: Path) -> str:
    """A name that a task file accepts: the camera's own, or the file's."""
    key = _key(file, NAMES)
    given = str(file.value[key]) if key is not None else ""
    for text in (given, path.stem):
        if word := re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_").lstrip("0123456789_")[:64]:
            return word
    return "camera"


def _key(file: Document, keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if file.value.get(key) is not None), None)


def _wrong(file: Document, path: tuple[Key, ...], text: str) -> InputError:
    return file.error([Problem(path, text)])
