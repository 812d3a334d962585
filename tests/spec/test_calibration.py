"""Calibration files of OpenCV and ROS are read as they are; what cannot be said is told why."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from simenv.errors import InputError
from simenv.spec import yaml
from simenv.spec.calibration import Calibration, describe, read_calibration, stanza
from simenv.spec.camera import CameraSpec

K = np.array([[612.25, 0.0, 320.125], [0.0, 610.5, 238.75], [0.0, 0.0, 1.0]])
BENT = (-0.28, 0.07, 0.0005, -0.0003, 0.01)

CAMERA_INFO = """\
image_width: 640
image_height: 480
camera_name: Narrow Stereo/left
camera_matrix:
  rows: 3
  cols: 3
  data: [612.25, 0, 320.125, 0, 610.5, 238.75, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.28, 0.07, 0.0005, -0.0003, 0.01]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
"""
FILE_STORAGE = """\
%YAML:1.0
---
calibration_time: "Thu 11 Jun 2020 10:00:00 AM"
image_width: 640
image_height: 480
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 612.25, 0., 320.125, 0., 610.5, 238.75, 0., 0., 1. ]
distortion_coefficients: !!opencv-matrix
   rows: 5
   cols: 1
   dt: d
   data: [ -2.8000000000000003e-01, 7.0000000000000007e-02,
       5.0000000000000001e-04, -2.9999999999999997e-04, 1.0e-02 ]
"""
MESSAGE = """\
header:
  seq: 7
  stamp:
    secs: 1600000000
    nsecs: 5
  frame_id: "left_optical"
height: 480
width: 640
distortion_model: "plumb_bob"
D: [-0.28, 0.07, 0.0005, -0.0003, 0.01]
K: [612.25, 0.0, 320.125, 0.0, 610.5, 238.75, 0.0, 0.0, 1.0]
R: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
binning_x: 0
binning_y: 0
roi:
  x_offset: 0
  y_offset: 0
  height: 0
  width: 0
  do_rectify: False
---
"""
BLOCK_LIST = "\n".join(f"- {x}" for x in BENT)
MESSAGE_2 = MESSAGE.replace(f"D: [{', '.join(map(str, BENT))}]", f"d:\n{BLOCK_LIST}").replace(
    "K: [", "k: ["
)
TEXTS = {
    "camera_info": CAMERA_INFO,
    "file_storage": FILE_STORAGE,
    "message": MESSAGE,
    "message_2": MESSAGE_2,
}


def read(tmp_path: Path, text: str, name: str = "cam.yaml") -> Calibration:
    """What a file with this text says."""
    path = tmp_path / name
    path.write_text(text)
    return read_calibration(path)


@pytest.mark.parametrize("form", TEXTS)
def test_every_form_of_one_calibration_says_the_same(form: str, tmp_path: Path) -> None:
    found = read(tmp_path, TEXTS[form])
    assert (found.width, found.height) == (640, 480)
    assert np.array_equal(found.K, K)
    assert found.distortion is not None
    assert found.distortion.tolist() == [*BENT, 0, 0, 0]
    assert found.name == ("narrow_stereo_left" if form == "camera_info" else "cam")


@pytest.mark.parametrize("ending", ["yaml", "json"])
@pytest.mark.parametrize("count", [4, 5, 8, 12, 14])
def test_what_opencv_writes_is_read_bit_for_bit(ending: str, count: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(count)
    skewed = K + rng.uniform(0, 1, (3, 3)) * [[1, 1, 1], [0, 1, 1], [0, 0, 0]]
    coefficients = rng.uniform(-0.01, 0.01, count) * (np.arange(count) < 8)
    path = tmp_path / f"cal.{ending}"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("cameraMatrix", skewed)
    storage.write("distCoeffs", coefficients[None])
    storage.write("image_size", np.array([[640, 480]]))
    storage.release()
    found = read_calibration(path)
    assert (found.width, found.height) == (640, 480)
    assert np.array_equal(found.K, skewed)
    assert found.distortion is not None
    assert np.array_equal(found.distortion[:count], coefficients[:8])


def test_no_distortion_is_a_pinhole(tmp_path: Path) -> None:
    row = f"D: [{', '.join(map(str, BENT))}]"
    for nothing in ("D: []", "D: [0, 0, 0, 0, 0]"):
        assert read(tmp_path, MESSAGE.replace(row, nothing)).distortion is None
    assert read(tmp_path, MESSAGE.replace(row, "").replace("plumb_bob", "none")).distortion is None


def test_a_message_that_covers_its_whole_picture_needs_no_cut(tmp_path: Path) -> None:
    whole = MESSAGE.replace("  height: 0\n  width: 0", "  height: 480\n  width: 640")
    assert np.array_equal(read(tmp_path, whole.replace("_x: 0", "_x: 1")).K, K)


@pytest.mark.parametrize(
    ("text", "name"),
    [("camera_name: 3D/Top 2", "d_top_2"), ("camera_name: ''", "my_cam"), ("note: 1", "my_cam")],
)
def test_a_name_is_made_of_the_cameras_or_the_files(text: str, name: str, tmp_path: Path) -> None:
    given = CAMERA_INFO.replace("camera_name: Narrow Stereo/left", text)
    assert read(tmp_path, given, "0 My-Cam.yaml").name == name


@pytest.mark.parametrize("form", TEXTS)
def test_the_stanza_is_a_camera_of_a_task_with_the_same_lens(form: str, tmp_path: Path) -> None:
    found = read(tmp_path, TEXTS[form])
    rows: dict[str, Any] = yaml.parse(stanza(found), name="stanza").value
    ((name, row),) = rows.items()
    assert name == found.name
    spec = CameraSpec.model_validate(
        {**row, "X_WC": {"eye": (0.0, 0.0, 1.0), "target": (0.0,) * 3}}
    )
    assert spec.resolution == (640, 480)
    assert np.array_equal(spec.matrix, found.K)
    assert spec.distortion.coefficients is not None
    assert found.distortion is not None
    assert np.array_equal(spec.distortion.coefficients, found.distortion)


def test_a_stanza_says_only_what_is_not_zero() -> None:
    plain = Calibration(640, 480, K, None, "left")
    assert stanza(plain) == (
        "left:\n  resolution: [640, 480]\n  K: {fx: 612.25, fy: 610.5, cx: 320.125, cy: 238.75}\n"
    )
    skewed, bent = K.copy(), np.zeros(8)
    skewed[0, 1], bent[4] = 0.5, -0.01
    assert stanza(Calibration(640, 480, skewed, bent, "left")).splitlines()[2:] == [
        "  K: {fx: 612.25, fy: 610.5, cx: 320.125, cy: 238.75, s: 0.5}",
        "  distortion: {k3: -0.01}",
    ]


def test_the_description_tells_the_field_and_what_the_lens_does(tmp_path: Path) -> None:
    path = tmp_path / "top.yaml"
    row = f"D: [{', '.join(map(str, BENT))}]"
    path.write_text(MESSAGE.replace(row, "D: []"))
    assert describe(path).splitlines()[0] == "# 640 x 480 pixels, 55.1 x 42.8 degrees; a pinhole"
    path.write_text(MESSAGE)
    said = describe(path)
    # Independently: the corner that moves most is where cv2 puts the same ray without the lens.
    corners = np.array([[[0.0, 0]], [[639, 0]], [[0, 479]], [[639, 479]]])
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 200, 1e-12)
    straight = cv2.undistortImagePoints(corners, K, np.array(BENT), arg1=criteria)
    moved = np.linalg.norm(straight - corners, axis=2).max()
    assert f"the lens moves the corners by up to {moved:.1f} pixels" in said
    assert yaml.parse(said, name="said").value.keys() == {"top"}


DATA = "data: [-0.28, 0.07, 0.0005, -0.0003, 0.01]"
MATRIX = "data: [612.25, 0, 320.125, 0, 610.5, 238.75, 0, 0, 1]"
# fmt: off
WRONG = [  # a text, what is replaced in it, by what, and what is said
    (CAMERA_INFO, "plumb_bob", "equidistant",
     "8:19: distortion_model: equidistant says fisheye, which k1 to k6 cannot describe; "
     "calibrate it with plumb_bob or rational_polynomial"),
    (CAMERA_INFO, "plumb_bob", "division",
     "8:19: distortion_model: no lens model division, there is plumb_bob and "
     "rational_polynomial; calibrate it with plumb_bob or rational_polynomial"),
    (FILE_STORAGE, "image_width", "fisheye_model: 1\nimage_width",
     "4:16: fisheye_model: 1 says fisheye, which k1 to k6 cannot describe; calibrate it with "
     "plumb_bob or rational_polynomial"),
    (FILE_STORAGE, "image_width", "xi: 1.2\nimage_width",
     "4:5: xi: 1.2 says fisheye, which k1 to k6 cannot describe; calibrate it with plumb_bob or "
     "rational_polynomial"),
    (CAMERA_INFO, "image_width: 640\n", "",
     "1:1: image_width: is missing; add image_width and image_height in pixels"),
    (CAMERA_INFO, "image_height: 480", "image_height: 480.5",
     "2:15: image_height: must be a whole number of pixels from 8 to 8192, got 480.5; write the "
     "size that it was calibrated at"),
    (CAMERA_INFO, "image_height: 480", "image_size: [640]",
     "2:13: image_size: must be [width, height], got 1 numbers; write two"),
    (CAMERA_INFO, "camera_matrix", "projection",
     "1:1: camera_matrix: is missing; add camera_matrix, or K"),
    (CAMERA_INFO, MATRIX, "data: [612.25, 0, 320.125, 0, 610.5, 238.75, 0, 0]",
     "7:9: camera_matrix.data: must be 3 x 3 numbers, got 8; correct rows and cols, or the data"),
    (MESSAGE, "K: [612.25, ", "K: [",
     "11:4: K: must be 9 numbers, got 8; write [fx, s, cx, 0, fy, cy, 0, 0, 1]"),
    (CAMERA_INFO, MATRIX, "data: [612.25, 0, 0, 0, 610.5, 0, 320.125, 238.75, 1]",
     "7:9: camera_matrix.data: must be [fx, s, cx, 0, fy, cy, 0, 0, 1] with fx and fy from 1 to "
     "100000, got [612.25, 0.0, 0.0, 0.0, 610.5, 0.0, 320.125, 238.75, 1.0]; list it row by "
     "row, in pixels"),
    (CAMERA_INFO, MATRIX, "data: [0, 0, 0, 0, 0, 0, 0, 0, 0]",
     "7:9: camera_matrix.data: is all zero: the camera was never calibrated; calibrate it"),
    (CAMERA_INFO, "data: [612.25, 0", "data: [612.25, zero",
     "7:18: camera_matrix.data.1: must be a number, got zero; write it as 1.5"),
    (CAMERA_INFO, f"  {MATRIX}\n", "",
     "5:3: camera_matrix: has no data; add rows, cols and data"),
    (MESSAGE, "D: [", "E: [",
     "1:1: distortion_coefficients: is missing; for a lens without distortion write "
     "[0, 0, 0, 0, 0]"),
    (MESSAGE, "D: [-0.28, 0.07, ", "D: [",
     "10:4: D: must be 4, 5, 8, 12, 14 numbers, got 3; list k1, k2, p1, p2, k3 and so on"),
    (MESSAGE, "-0.0003, 0.01]", "0, 0, 0, 0, 0, 0.01, 0, 0, 0]",
     "10:4: D: has prism or tilt terms, [0.01, 0.0, 0.0, 0.0]; calibrate it without them"),
    (MESSAGE, "D: [-0.28, 0.07", "D: [-0.28, 7e9",
     "10:4: D: is beyond any lens, got [-0.28, 7000000000.0, 0.0005, -0.0003, 0.01]; at most "
     "100000 is read, calibrate again"),
    (MESSAGE, "D: [-0.28, 0.07", "D: [-1.28, 0.07",
     "10:4: D: folds inside the image: no direction leads to pixel (0, 0); lower it, or use the K "
     "and resolution it was calibrated with"),
    (MESSAGE, "binning_x: 0", "binning_x: 2",
     "13:12: binning_x: K is that of the picture before binning, got 2; scale K and the size to "
     "the picture, remove it"),
    (MESSAGE, "  height: 0\n  width: 0", "  height: 240\n  width: 320",
     "16:3: roi: K is that of the whole picture, got the part [0, 0, 320, 240]; move cx, cy and "
     "the size to the part, remove it"),
    (FILE_STORAGE, "data: [ 612.25, 0.", "data: [ 612.25, .Nan",
     "10:20: camera_matrix.data.1: must be a number, got \".Nan\"; write it as 1.5"),
    (FILE_STORAGE, "!!opencv-matrix", "!!python/object:os.system",
     "6:16: tag tag:yaml.org,2002:python/object:os.system is not allowed; remove it"),
    (FILE_STORAGE, FILE_STORAGE, "%YAML:1.0\n---\n",
     "2:1: the file is empty; start it with `image_width: 640`"),
    (FILE_STORAGE, "%YAML:1.0", "<?xml version='1.0'?>",
     "1:1: is XML; save it as YAML, a name that ends in .yaml does it"),
    (MESSAGE, "---\n", "---\nheight: 480\n",
     "21:1: a second document; keep one in a file"),
    (CAMERA_INFO, "rows: 3", "rows: 3\n  rows: 3",
     "6:3: key 'rows' was given in line 5 already; remove one"),
]
# fmt: on


@pytest.mark.parametrize(("text", "old", "new", "line"), WRONG)
def test_a_wrong_calibration_is_told_where_what_and_the_way_out(
    text: str, old: str, new: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert old in text
    with pytest.raises(InputError) as caught:
        read(Path(), text.replace(old, new, 1))
    assert str(caught.value) == f"cam.yaml:{line}"
    assert ";" in line  # the way out


def test_a_file_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        describe(Path("no.yaml"))
    assert str(caught.value) == (
        "no.yaml:1:1: cannot be read: no such file or directory; check the path"
    )
