"""The pictures of docs/sensors.md, and the times in it.

    uv run --group docs python docs/plots/sensors.py

Draws with the TinyRenderer, so that every machine makes the same pictures.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import simenv
from simenv.compose import compose
from simenv.domain.sample import sample
from simenv.physics.world import World
from simenv.render.choose import open_renderer
from simenv.render.renderer import Frame
from simenv.scene import View
from simenv.sensor import depth_picture, rgb_picture
from simenv.spec.sensor import Defocus, DepthSensor, Noise, RgbSensor

DOCS = Path(__file__).parent.parent
IMX250 = Noise(full_well_e=10700, read_noise_e=2.4, bits=12)
KINECT_V1 = DepthSensor(
    kind="structured_light",
    baseline_m=0.075,
    sigma_d_px=0.0625,
    correlation_px=1.5,
    sigma_angle_m=1e-4,
    disparity_step_px=0.125,
    jitter_px=0.5,
    window_px=9,
    grazing_deg=80,
    min_return=0.02,
    dropout=0.002,
    dropout_px=1.0,
    min_m=0.5,
    max_m=5.0,
)
D435 = DepthSensor(
    kind="stereo",
    baseline_m=0.05,
    sigma_d_px=0.08,
    correlation_px=2.0,
    disparity_step_px=1 / 32,
    window_px=5,
    flying=0.2,
    grazing_deg=85,
    max_luminance=0.98,
    dropout=0.005,
    dropout_px=2.0,
    min_m=0.2,
)
RGB = {
    "clean": RgbSensor(),
    "exposure_ev: -1, gain_db: 30": RgbSensor(
        exposure_ev=-1, noise=IMX250.model_copy(update={"gain_db": 30.0})
    ),
    "white_balance_k: 4000": RgbSensor(white_balance_k=4000.0),
    "vignetting": RgbSensor(natural_vignetting=1.0, vignetting=(-0.35, -0.1, 0.0)),
    "defocus, near": RgbSensor(defocus=Defocus(focal_length_mm=16, f_number=1.4, focus_m=0.5)),
    "exposure_s: 0.02": RgbSensor(exposure_s=0.02),
    "bayer": RgbSensor(bayer="rggb"),
    "jpeg_quality: 15": RgbSensor(jpeg_quality=15),
}


def main() -> None:
    """Draw everything, then measure."""
    shots = scene()
    rgb_grid(*shots[0])
    depth_rows(shots)
    sigma_over_z()
    shadows()
    times(*shots[0])


def rng() -> np.random.Generator:
    """The same noise everywhere."""
    return np.random.default_rng(0)


def scene() -> list[tuple[Frame, View]]:
    """A heap in a tote, from above and aslant."""
    task = simenv.load_task("bin_pick")
    composed = compose(task, sample(task, 3, 2), seed=3)
    with World() as world, open_renderer("tiny") as renderer:
        snapshot = world.run(composed).snapshots[0]
        views = [snapshot.view(camera) for camera in composed.cameras]
        return [(renderer.render(snapshot, view), view) for view in views]


def falling(frame: Frame) -> np.ndarray:
    """An image velocity: half of the parts move, 20 px in 20 ms."""
    velocity = np.zeros((*frame.depth_m.shape, 2), np.float32)
    small = [i for i in np.unique(frame.instance)[1:] if (frame.instance == i).sum() < 8000]
    velocity[np.isin(frame.instance, small[: len(small) // 2])] = (900, 400)
    return velocity


def rgb_grid(frame: Frame, view: View) -> None:
    """What single effects do to one picture."""
    figure, axes = plt.subplots(2, 4, figsize=(14, 6.2))
    for axis, (title, spec) in zip(axes.flat, RGB.items(), strict=True):
        velocity = falling(frame) if spec.needs_velocity else None
        shown = rgb_picture(frame, view, spec, rng(), velocity)
        axis.imshow(shown[130:370, 180:500], interpolation="nearest")
        if title == "vignetting":
            axis.imshow(shown)
        finish(axis, title)
    save(figure, "sensors_rgb.png")


def depth_rows(shots: list[tuple[Frame, View]]) -> None:
    """Clean depth, what two devices read, and their errors."""
    figure, axes = plt.subplots(2, 5, figsize=(16, 5.4))
    for row, (frame, view) in zip(axes, shots, strict=True):
        low, high = np.percentile(frame.depth_m, [1, 99])
        picture(row[0], frame.depth_m, low, high, "clean depth")
        for k, (name, spec) in enumerate({"Kinect v1": KINECT_V1, "D435": D435}.items()):
            shown = depth_picture(frame, view, replace_range(spec), rng())
            picture(row[1 + 2 * k], shown, low, high, f"{name} ({(shown == 0).mean():.0%} holes)")
            error_mm = 1e3 * (shown - frame.depth_m)
            error_mm[shown == 0] = np.nan
            drawn = row[2 + 2 * k].imshow(error_mm, cmap="RdBu", vmin=-10, vmax=10)
            finish(row[2 + 2 * k], "error, mm")
            figure.colorbar(drawn, ax=row[2 + 2 * k], fraction=0.04)
    save(figure, "sensors_depth.png")


def replace_range(spec: DepthSensor) -> DepthSensor:
    """The device without its near limit: this cell is closer than a Kinect v1 likes."""
    return spec.model_copy(update={"min_m": 0.2})


def picture(axis: plt.Axes, depth: np.ndarray, low: float, high: float, title: str) -> None:
    """Draw ``depth`` in metres; black is no reading."""
    shown = np.where(depth > 0, depth, np.nan)
    axis.set_facecolor("black")
    axis.imshow(shown, cmap="turbo_r", vmin=low, vmax=high, interpolation="nearest")
    finish(axis, title)


def wall(z: float, view: View) -> Frame:
    """A clean picture of a gray wall ``z`` metres away."""
    depth = np.full((view.height, view.width), z, np.float32)
    return Frame(np.full((*depth.shape, 3), 128, np.uint8), depth, depth > 0, (0.1, 10.0))


def camera(fx: float) -> View:
    """320 x 240 pixels of a camera that looks straight on."""
    K = np.array([[fx, 0, 159.5], [0, fx, 119.5], [0, 0, 1.0]])
    return View("plot", 320, 240, K, np.eye(4))


def sigma_over_z() -> None:
    """Noise of a flat wall against the published curves."""
    view = camera(585.0)  # of Kinect v1
    z = np.geomspace(0.4, 5, 24)
    noise = KINECT_V1.model_copy(update={"disparity_step_px": 0.0})
    noise = DepthSensor(kind="structured_light", baseline_m=0.075, sigma_d_px=noise.sigma_d_px)
    steps = noise.model_copy(update={"disparity_step_px": 0.125})
    figure, axis = plt.subplots(figsize=(7, 4.5))
    for spec, mark, name in (
        (noise, "o", "simenv: sigma_d_px 1/16"),
        (steps, "x", "simenv: and disparity_step_px 1/8"),
    ):
        found = [depth_picture(wall(d, view), view, spec, rng()).std() * 1e3 for d in z]
        axis.loglog(z, found, mark, label=name, mfc="none")
    axis.loglog(z, 1.425 * z**2, "k-", lw=1, label="Khoshelham & Elberink 2012: 1.425 mm z²")
    nguyen = 1.2 + 1.9 * (z - 0.4) ** 2
    axis.loglog(z, nguyen, "k--", lw=1, label="Nguyen et al. 2012: 1.2 + 1.9 (z - 0.4)² mm")
    axis.set(xlabel="distance z, m", ylabel="standard deviation of depth, mm")
    axis.grid(which="both", alpha=0.3)
    axis.legend()
    save(figure, "sensors_sigma.png")


def shadows() -> None:
    """A box and a pole before a wall, lit from the right and from the left."""
    view = camera(585.0)
    clean = wall(0.9, view)
    clean.depth_m[60:180, 190:250] = 0.6
    clean.depth_m[40:200, 90:96] = 0.6
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.4))
    picture(axes[0], clean.depth_m, 0.5, 1.0, "clean: 0.6 m before 0.9 m")
    for axis, baseline_m in zip(axes[1:], (0.075, -0.075), strict=True):
        spec = DepthSensor(kind="structured_light", baseline_m=baseline_m)
        shown = depth_picture(clean, view, spec, rng())
        width = (shown[120, 150:] == 0).sum()
        theory = 585 * 0.075 * (1 / 0.6 - 1 / 0.9)
        title = f"baseline_m: {baseline_m}; {width} px, geometry {theory:.1f}"
        picture(axis, shown, 0.5, 1.0, title)
    save(figure, "sensors_shadow.png")


def finish(axis: plt.Axes, title: str) -> None:
    """A title instead of axes."""
    axis.set_title(title, fontsize=10)
    axis.set_xticks([])
    axis.set_yticks([])


def save(figure: plt.Figure, name: str) -> None:
    """Write ``figure`` into docs/."""
    figure.tight_layout()
    figure.savefig(DOCS / name, dpi=80)
    plt.close(figure)


def times(frame: Frame, view: View) -> None:
    """CPU milliseconds of each chain at 640 x 480: the median of interleaved runs."""
    velocity = falling(frame)
    plain = RgbSensor(exposure_ev=0.5, noise=IMX250, gamma=0.45)
    no_normals = replace(frame, normals=None)
    jobs: dict[str, Callable[[], object]] = {
        "exposure, noise, gamma": lambda: rgb_picture(frame, view, plain, rng(), None),
        "Kinect v1": lambda: depth_picture(no_normals, view, KINECT_V1, rng()),
        "D435": lambda: depth_picture(no_normals, view, D435, rng()),
        "shadow alone": lambda: depth_picture(
            frame, view, DepthSensor(kind="structured_light"), rng()
        ),
    }
    for title, spec in RGB.items():
        jobs[title] = lambda spec=spec: rgb_picture(frame, view, spec, rng(), velocity)
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(9):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            taken[name].append(1e3 * (time.process_time() - start))
    for name, values in taken.items():
        print(f"{name:30} {np.median(values):6.1f} ms")


if __name__ == "__main__":
    main()
