"""What a sensor that cannot be is told; and a sensor's way from the task file to the scene."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.errors import InputError
from simenv.spec.load import load_task
from simenv.spec.sensor import Defocus, DepthSensor, Noise, RgbSensor, Sensor

PAGE = Path(__file__).parent.parent.parent / "docs/sensors.md"
FULL = (Path(__file__).parent.parent / "data" / "full.yaml").read_text()
RGB = "exposure_ev: 0.5, noise: {full_well_e: 10000, read_noise_e: 2.5}, exposure_s: 0.01"
LENS = "defocus: {focal_length_mm: 16, f_number: 2, focus_m: 1}"
DEPTH = "kind: structured_light, baseline_m: 0.075, sigma_d_px: 0.06"
SENSOR = f"    sensor:\n      rgb: {{{RGB}, {LENS}}}\n      depth: {{{DEPTH}}}\n"
WITH = FULL.replace("  moving:\n", f"{SENSOR}  moving:\n", 1)  # lines 31 to 33
AXES = (
    "  cameras.overhead.sensor.rgb.exposure_ev: {kind: visual, uniform: [-1, 1]}\n"
    "  cameras.overhead.sensor.rgb.noise.gain_db: {kind: visual, uniform: [0, 24]}\n"
    "  cameras.overhead.sensor.depth.dropout: {kind: visual, uniform: [0, 0.02]}\n"
)

# fmt: off
WRONG = [  # what is replaced in the task, by what, and what is said
    ("exposure_ev: 0.5", "exposure_ev: 11",
     "32:26: cameras.overhead.sensor.rgb.exposure_ev: must be a number from -10 to 10, got 11; "
     "write for example 10"),
    ("exposure_ev: 0.5", "exposure: 0.5",
     "32:13: cameras.overhead.sensor.rgb.exposure: unknown key; did you mean exposure_s?"),
    ("exposure_s: 0.01", "exposure_s: -0.01",
     "32:91: cameras.overhead.sensor.rgb.exposure_s: must be a number from 0 to 1, got -0.01; "
     "write for example 0.5"),
    ("exposure_s: 0.01", "jpeg_quality: 0",
     "32:93: cameras.overhead.sensor.rgb.jpeg_quality: must be a whole number from 1 to 100, "
     "got 0; write for example 1"),
    ("exposure_s: 0.01", "bayer: rgb",
     "32:86: cameras.overhead.sensor.rgb.bayer: must be rggb, bggr, grbg or gbrg, got rgb; "
     "write for example rggb"),
    ("exposure_s: 0.01", "gamma: 0",
     "32:86: cameras.overhead.sensor.rgb.gamma: must be a number from 0.1 to 4, got 0; "
     "write for example 0.1"),
    ("exposure_s: 0.01", "white_balance_k: 500",
     "32:96: cameras.overhead.sensor.rgb.white_balance_k: must be a number from 1000 to 40000, "
     "got 500; write for example 1000"),
    ("exposure_s: 0.01", "white_balance_gains: [1, 0, 1]",
     "32:104: cameras.overhead.sensor.rgb.white_balance_gains.1: must be a number above 0 and "
     "at most 16, got 0; write for example 1.0"),
    ("exposure_s: 0.01", "vignetting: [-0.8, -0.4, 0]",
     "32:91: cameras.overhead.sensor.rgb.vignetting: makes light negative, -0.2, inside the "
     "picture; raise a, b or c"),
    ("full_well_e: 10000, ", "",
     "32:31: cameras.overhead.sensor.rgb.noise.full_well_e: is missing; add it, for example "
     "`full_well_e: 10`"),
    ("read_noise_e: 2.5", "read_noise_e: 2.5, bits: 20",
     "32:84: cameras.overhead.sensor.rgb.noise.bits: must be a whole number from 4 to 16, "
     "got 20; write for example 16"),
    ("focus_m: 1", "focus_m: 0.01",
     "32:150: cameras.overhead.sensor.rgb.defocus.focus_m: must be beyond the focal length, "
     "0.016 m, got 0.01; raise it"),
    ("f_number: 2", "f_number: 0",
     "32:138: cameras.overhead.sensor.rgb.defocus.f_number: must be a number from 0.5 to 64, "
     "got 0; write for example 0.5"),
    ("kind: structured_light", "kind: tof",
     "33:21: cameras.overhead.sensor.depth.kind: must be structured_light or stereo, got tof; "
     "write for example structured_light"),
    ("baseline_m: 0.075", "baseline_m: 0",
     "33:51: cameras.overhead.sensor.depth.baseline_m: must not be 0, nothing could be "
     "triangulated; write for example 0.05"),
    ("sigma_d_px: 0.06", "min_m: 2.0, max_m: 1.5",
     "33:65: cameras.overhead.sensor.depth.min_m: must be below max_m 1.5, got 2.0; lower it"),
    ("sigma_d_px: 0.06", "min_contrast: 0.1",
     "33:72: cameras.overhead.sensor.depth.min_contrast: works for kind stereo only: "
     "structured_light brings its own pattern; remove it"),
    ("sigma_d_px: 0.06", "dropout: 1",
     "33:67: cameras.overhead.sensor.depth.dropout: must be a number at least 0 and below 1, "
     "got 1; write for example 0.5"),
    ("uniform: [-1, 1]", "uniform: [-1, 12]",
     "57:73: domain.cameras.overhead.sensor.rgb.exposure_ev.uniform.1: 12.0 does not fit: "
     "cameras.overhead.sensor.rgb.exposure_ev: must be a number from -10 to 10, got 12.0; "
     "write for example 10"),
    ("cameras.overhead.sensor.rgb.noise.gain_db", "cameras.moving.sensor.rgb.noise.gain_db",
     "58:3: domain.cameras.moving.sensor.rgb.noise.gain_db: no such path, cameras.moving.sensor."
     "rgb is not set; write its nominal value first"),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "line"), WRONG)
def test_a_sensor_that_cannot_be_is_told_where_what_and_the_way_out(
    old: str, new: str, line: str, tasks: Path
) -> None:
    assert old in WITH + AXES
    (tasks / "full.yaml").write_text((WITH + AXES).replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_task("full.yaml")
    assert str(caught.value) == f"full.yaml:{line}"


def test_a_camera_without_sensors_has_none() -> None:
    assert Sensor() == Sensor(rgb=None, depth=None)
    assert not RgbSensor().needs_velocity


def test_a_sensor_of_the_task_file_is_on_the_camera_of_the_scene(tasks: Path) -> None:
    (tasks / "full.yaml").write_text(WITH)
    task = load_task("full.yaml")
    overhead, moving = compose(task, sample(task, 0, 0), seed=0).cameras
    assert overhead.sensor.rgb == RgbSensor(
        exposure_ev=0.5,
        exposure_s=0.01,
        noise=Noise(full_well_e=10000, read_noise_e=2.5),
        defocus=Defocus(focal_length_mm=16, f_number=2, focus_m=1),
    )
    depth = DepthSensor(kind="structured_light", baseline_m=0.075, sigma_d_px=0.06)
    assert overhead.sensor.depth == depth
    assert moving.sensor == Sensor()


def test_an_axis_varies_a_sensor_and_nothing_else(tasks: Path) -> None:
    (tasks / "full.yaml").write_text(WITH + AXES)
    task = load_task("full.yaml")
    scenes = [compose(task, sample(task, 0, i), seed=0) for i in range(8)]
    sensors = [scene.cameras[0].sensor for scene in scenes]
    stops = [sensor.rgb.exposure_ev for sensor in sensors if sensor.rgb is not None]
    assert len(stops) == 8
    assert min(stops) < -0.5 < 0.5 < max(stops)
    assert all(-1 <= stop <= 1 for stop in stops)
    gains = {sensor.rgb.noise.gain_db for sensor in sensors if sensor.rgb and sensor.rgb.noise}
    assert len(gains) == 8
    assert all(s.depth is not None and 0 <= s.depth.dropout <= 0.02 for s in sensors)
    path = "cameras.overhead.sensor.rgb.exposure_ev"
    assert [scene.scene_values[path] for scene in scenes] == stops
    again = compose(task, sample(task, 0, 3, look_seed=9), seed=0).cameras[0]
    assert again.sensor != sensors[3]
    assert (again.X_WM == scenes[3].cameras[0].X_WM).all()  # it stands where it stood


def test_everything_about_a_sensor_is_visual(tasks: Path) -> None:
    axis = "  cameras.overhead.sensor.depth.baseline_m: {kind: semantic, uniform: [0.05, 0.1]}\n"
    (tasks / "full.yaml").write_text(WITH + axis.replace("semantic", "visual"))
    assert "cameras.overhead.sensor.depth.baseline_m" in load_task("full.yaml").spec.domain


def test_the_devices_of_the_page_are_valid() -> None:
    blocks = "".join(re.findall("```yaml\n(.*?)```", PAGE.read_text(), flags=re.DOTALL))
    devices = re.findall(r"(noise|depth): (\{[^{}]*\})", blocks)
    assert len(devices) == 6
    for key, text in devices:
        (Noise if key == "noise" else DepthSensor).model_validate(YAML(typ="safe").load(text))
