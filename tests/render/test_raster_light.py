"""The raster renderer's light: shadows fall where rays to the lamp are blocked, colours tint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.mesh import quad
from simenv.render import backdrop, light
from simenv.render.raster import RasterRenderer
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Snapshot, View
from simenv.spec.look import Ambient, Backdrop, Light, Look
from tests.render.build import Thing, at, ball, block, can, ground, looking, of_file, snapshot
from tests.render.judge import rays_of

pytestmark = pytest.mark.egl
Array = NDArray[np.float64]
DOWN = looking((0, 0, 0.9), (0, 0, 0), size=(200, 150))
SLANTED = looking((0.35, -0.6, 0.6), (0, 0, 0.02), size=(200, 150))


@pytest.fixture(scope="module")
def raster() -> Iterator[RasterRenderer]:
    """One for all tests here."""
    with RasterRenderer() as renderer:
        yield renderer


def under(look: Look, *things: Thing, **surface: float) -> Snapshot:
    """The things under a look; ``surface`` sets roughness or metallic of all of them."""
    shown = snapshot(*things)
    bodies = tuple(replace(body, **surface) for body in shown.scene.bodies)  # type: ignore[arg-type]
    return replace(shown, scene=replace(shown.scene, look=look, bodies=bodies))


def one_light(elevation: float = 50.0, azimuth: float = 30.0, **values: object) -> Look:
    """A look whose key light is as given, all else nominal."""
    values = {"elevation_deg": elevation, "azimuth_deg": azimuth, **values}
    return Look(light=Light.model_validate(values))


THINGS = (
    Thing(block(0.08, 0.05, 0.09), at(-0.08, 0.04, 0.045, 0, 0, 25)),
    Thing(can(0.03, 0.1), at(0.09, -0.05, 0.05)),
    Thing(ball(0.03), at(0.05, 0.1, 0.09)),
    Thing(block(0.3, 0.2, 0.02), at(0, 0, -0.01)),
    Thing(block(6, 6, 0.1), at(0, 0, -0.4), floor=True),
)


def luminance(frame: Frame) -> Array:
    """Linear light (H, W) of the picture."""
    return np.asarray(light.decode(frame.rgb) @ np.array([0.2126, 0.7152, 0.0722]))


def blocked(shown: Snapshot, view: View, frame: Frame) -> NDArray[np.bool_]:
    """Pixels (H, W) from whose surface the ray to the key light meets a body: numpy alone."""
    towards = light.direction(shown.scene.look.light)
    p_C = rays_of(view) * frame.depth_m[..., None].astype(float)
    p_W = (p_C @ view.X_WC[:3, :3].T + view.X_WC[:3, 3]).reshape(-1, 3)
    hit = np.zeros(len(p_W), bool)
    for body, X_WB in zip(shown.scene.bodies, shown.X_WB, strict=True):
        if body.id == 0:
            continue
        mesh = shown.scene.objects[body.object].mesh
        corners = mesh.vertices @ X_WB[:3, :3].T + X_WB[:3, 3]
        for a, b, c in corners[mesh.faces]:
            e1, e2 = b - a, c - a
            p = np.cross(towards, e2)
            determinant = e1 @ p
            if determinant <= 1e-14:  # turned away from the lamp
                continue
            t = p_W - a
            u = t @ p / determinant
            q = np.cross(t, e1)
            v, far = q @ towards / determinant, q @ e2 / determinant
            hit |= (u >= 0) & (v >= 0) & (u + v <= 1) & (far > 1e-3)
    return hit.reshape(frame.depth_m.shape)


def grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """The mask and all within some pixels of it."""
    kernel = np.ones((2 * pixels + 1,) * 2, np.uint8)
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)


@pytest.mark.parametrize(("elevation", "azimuth"), [(50, 30), (25, 200), (80, -70), (90, 10)])
@pytest.mark.parametrize("view", [DOWN, SLANTED], ids=["down", "slanted"])
def test_shadows_are_where_the_ray_to_the_light_is_blocked_and_nowhere_else(
    raster: RasterRenderer, view: View, elevation: float, azimuth: float
) -> None:
    dark = under(one_light(elevation, azimuth), *THINGS)
    bare = under(one_light(elevation, azimuth, shadow=0.0), *THINGS)
    shaded, lit = raster.render(dark, view, ["normals"]), raster.render(bare, view)
    assert shaded.normals is not None
    towards_C = view.X_WC[:3, :3].T @ light.direction(dark.scene.look.light)
    facing = shaded.normals @ towards_C
    lost = 1 - luminance(shaded) / np.maximum(luminance(lit), 1e-3)
    hit = blocked(dark, view, shaded)
    assert (lost > -0.02).all()  # a grey level
    sure = (facing > 0.15) & (shaded.depth_m > 0)
    inside, outside = sure & ~grown(~hit, 2), sure & ~grown(hit, 2)
    assert outside.sum() > 10000
    assert np.mean(lost[outside] > 0.01) < 5e-4, "nothing else is darker"
    if elevation < 80:
        assert inside.sum() > 300
        assert np.mean(lost[inside] > 0.2) > 0.998
    assert same_labels(shaded, lit)


def same_labels(a: Frame, b: Frame) -> bool:
    """Whether depth, masks and planes are bit-identical."""
    return (
        np.array_equal(a.depth_m, b.depth_m)
        and np.array_equal(a.instance, b.instance)
        and a.near_far_m == b.near_far_m
    )


def test_half_a_shadow_takes_half_the_light(raster: RasterRenderer) -> None:
    levels = [
        luminance(raster.render(under(one_light(shadow=share), *THINGS), DOWN))
        for share in (0.0, 0.5, 1.0)
    ]
    deep = levels[0] - levels[2] > 0.1
    assert deep.sum() > 500
    whole, half = levels[0][deep] - levels[2][deep], levels[0][deep] - levels[1][deep]
    assert np.median(half / whole) == pytest.approx(0.5, abs=0.03)


def test_without_shadows_is_as_with_shadows_of_no_strength(raster: RasterRenderer) -> None:
    with RasterRenderer(shadows=False) as bare:
        a = bare.render(under(one_light(), *THINGS), DOWN)
    b = raster.render(under(one_light(shadow=0.0), *THINGS), DOWN)
    assert np.array_equal(a.rgb, b.rgb)


def test_a_floor_throws_no_shadow_and_shows_those_of_others(raster: RasterRenderer) -> None:
    lonely, bare = (
        raster.render(under(one_light(shadow=share), ground(None)), DOWN) for share in (1.0, 0.0)
    )
    assert np.array_equal(lonely.rgb, bare.rgb)
    post = Thing(can(0.02, 0.12), at(0, 0, 0.06))
    frame = raster.render(under(one_light(45, 0), post, ground(None)), DOWN)
    level = luminance(frame)
    u, v = (DOWN.K @ DOWN.X_WC[:3, :3].T @ (np.array([-0.08, 0, 0]) - DOWN.X_WC[:3, 3]))[:2] / 0.9
    assert level[round(v), round(u)] < 0.6 * np.median(level)


def penumbra_px(raster: RasterRenderer, softness: float, height: float) -> int:
    """Pixels between dark and lit along a line across the edge of a high plate's shadow."""
    plate = Thing(block(0.3, 0.3, 0.01), at(-0.15, 0, height))
    look = one_light(90, 0, softness_deg=softness)
    view = looking((0.0, -1.2, 0.25), (0, 0, 0), size=(320, 240))
    level = luminance(raster.render(under(look, plate, ground(None)), view))
    R_CW, p_WC = view.X_WC[:3, :3].T, view.X_WC[:3, 3]
    x = np.linspace(-0.06, 0.06, 121)
    p_C = (np.column_stack([x, np.full(121, -0.05), np.zeros(121)]) - p_WC) @ R_CW.T
    uv = np.round((p_C @ view.K.T)[:, :2] / p_C[:, 2:]).astype(int)
    rows = np.mean([level[uv[:, 1] + k, uv[:, 0]] for k in (-2, -1, 0, 1, 2)], axis=0)
    share = (rows - rows.min()) / np.ptp(rows)
    assert share[:5].mean() < 0.1
    assert share[-5:].mean() > 0.9
    return int(np.sum((share > 0.1) & (share < 0.9)))


def test_a_wider_lamp_has_a_wider_penumbra_and_so_has_a_higher_edge(
    raster: RasterRenderer,
) -> None:
    """10 % to 90 % of a disc's area are 0.69 of its diameter 2 h tan(softness)."""
    hard = penumbra_px(raster, 0.0, 0.2)
    soft = [penumbra_px(raster, softness, 0.2) for softness in (2.0, 4.0, 8.0)]
    low = penumbra_px(raster, 8.0, 0.1)
    assert hard <= 5 < soft[0] < soft[1] < soft[2]
    expected = 0.69 * 2 * 200 * np.tan(np.radians([2.0, 4.0, 8.0]))  # mm, as the samples are
    assert soft == pytest.approx(expected, rel=0.3)
    assert low == pytest.approx(soft[2] / 2, rel=0.3)


def test_soft_shadows_do_not_darken_open_surfaces(raster: RasterRenderer) -> None:
    for elevation in (25, 60):
        look = one_light(elevation, 30, softness_deg=5.0)
        soft = luminance(raster.render(under(look, *THINGS), DOWN))
        bare = luminance(raster.render(under(one_light(elevation, 30, shadow=0.0), *THINGS), DOWN))
        frame = raster.render(under(one_light(elevation, 30), *THINGS), DOWN)
        far = ~grown(blocked(under(one_light(elevation, 30), *THINGS), DOWN, frame), 14)
        assert far.sum() > 8000
        assert np.mean((1 - soft / bare)[far] > 0.02) < 2e-3


def test_lights_add_up_and_tint(raster: RasterRenderer) -> None:
    off, chalk = {"intensity": 0.0}, {"roughness": 1.0}
    red = {"elevation_deg": 40, "azimuth_deg": 0, "color": (1, 0, 0), "shadow": 0}
    blue = {"elevation_deg": 40, "azimuth_deg": 180, "color": (0, 0, 1)}
    table = Thing(block(0.4, 0.4, 0.02), at(0, 0, -0.01), color=(0.5, 0.5, 0.5))
    post = Thing(block(0.02, 0.3, 0.06), at(0, 0, 0.03), color=(0.5, 0.5, 0.5))

    def linear(**lights: dict[str, object]) -> Array:
        look = Look(
            light=Light.model_validate(off),
            lights={name: Light.model_validate(values) for name, values in lights.items()},
            ambient=Ambient(intensity=0.2),
        )
        rgb = raster.render(under(look, table, post, **chalk), DOWN).rgb
        return light.decode(rgb).astype(np.float64)

    none, reds, blues, both = linear(), linear(r=red), linear(b=blue), linear(r=red, b=blue)
    top = raster.render(under(Look(), table, post), DOWN).instance == 1
    gain = reds - none
    assert gain[top][:, 0].min() > 0.02
    assert np.abs(gain[top][:, 1:]).max() < 0.004
    assert np.abs((reds - none) + (blues - none) - (both - none))[top].max() < 0.012
    blue_gain = (blues - none)[..., 2]
    assert np.mean(blue_gain[top] < 0.005) > 0.1, "its shadow, on the side away from it"
    assert np.mean(blue_gain[top] > 0.02) > 0.5
    warm = linear(r={**red, "color": (1, 1, 1), "temperature_k": 3000}) - none
    cold = linear(r={**red, "color": (1, 1, 1), "temperature_k": 10000}) - none
    assert warm[top].mean(axis=0)[0] > 2 * warm[top].mean(axis=0)[2]
    assert cold[top].mean(axis=0)[2] > 1.2 * cold[top].mean(axis=0)[0]


def test_a_chalk_wall_follows_lamberts_law(raster: RasterRenderer) -> None:
    wall = Thing(block(1, 1, 0.1), at(0, 0, -0.05), color=(0.5, 0.5, 0.5))
    gains = []
    for elevation in (90, 60, 30, 10):
        looks = [one_light(elevation, intensity=i, shadow=0) for i in (0.0, 1.0)]
        dark, lit = (raster.render(under(look, wall, roughness=1.0), DOWN) for look in looks)
        gains.append(float((luminance(lit) - luminance(dark))[70:80, 95:105].mean()))
    expected = np.sin(np.radians([90, 60, 30, 10]))
    assert np.array(gains) / gains[0] == pytest.approx(expected, abs=0.04)


def highlight(raster: RasterRenderer, **surface: float) -> tuple[float, float]:
    """Brightest level, and share of the ball within half of it."""
    copper = Thing(ball(0.12), at(0, 0, 0), color=(0.6, 0.3, 0.1))
    shown = under(one_light(60, -60), copper, **surface)
    frame = raster.render(shown, SLANTED)
    level = luminance(frame)[frame.instance == 1]
    return float(level.max()), float(np.mean(level > level.max() / 2))


def test_smooth_surfaces_have_small_bright_highlights(raster: RasterRenderer) -> None:
    peaks, areas = zip(*(highlight(raster, roughness=r) for r in (0.25, 0.5, 1.0)), strict=True)
    assert peaks[0] > 1.3 * peaks[1] > peaks[2]
    assert areas[0] < 0.5 * areas[2]


def test_metal_reflects_in_its_own_colour(raster: RasterRenderer) -> None:
    def peak_hue(metallic: float) -> Array:
        shown = under(
            one_light(60, -60), Thing(ball(0.12), at(0, 0, 0), color=(0.6, 0.3, 0.1)),
            roughness=0.35, metallic=metallic,
        )  # fmt: skip
        frame = raster.render(shown, SLANTED)
        row, column = np.unravel_index(np.argmax(luminance(frame)), frame.instance.shape)
        rgb = light.decode(frame.rgb[row, column])
        return np.asarray(rgb / rgb.max())

    assert peak_hue(0.0)[2] > 3 * peak_hue(1.0)[2]


def test_black_lights_leave_black_pictures(raster: RasterRenderer) -> None:
    look = Look(light=Light(intensity=0), ambient=Ambient(intensity=0))
    frame = raster.render(under(look, *THINGS), SLANTED)
    assert frame.rgb[frame.depth_m > 0].max() == 0


@pytest.mark.parametrize("view", [DOWN, SLANTED], ids=["down", "slanted"])
def test_the_default_look_is_about_as_bright_as_the_egl_renderers(
    raster: RasterRenderer, egl: Renderer, view: View
) -> None:
    things = [
        Thing(THINGS[0].model, THINGS[0].X_WB, "cardboard"),
        Thing(THINGS[1].model, THINGS[1].X_WB, None, (0.8, 0.2, 0.1)),
        Thing(block(0.6, 0.5, 0.02), at(0, 0, -0.01), "wood"),
        ground("concrete"),
    ]
    shown = under(Look(), *things)
    ours, theirs = raster.render(shown, view).rgb, egl.render(shown, view).rgb
    assert ours.mean() == pytest.approx(theirs.mean(), rel=0.15)
    assert np.mean(ours == 255) < 0.01
    assert np.mean(ours.max(axis=2) < 10) < 0.01


def test_a_texture_in_full_light_keeps_its_colours(raster: RasterRenderer, tmp_path: Path) -> None:
    """White ambient of the level at which a white wall is white: sRGB in, the same sRGB out."""
    image = np.zeros((64, 64, 3), np.uint8)
    colors = np.array([(200, 30, 60), (30, 120, 220), (90, 90, 90), (250, 220, 130)])
    image.reshape(2, 32, 2, 32, 3)[:] = colors.reshape(2, 1, 2, 1, 3)
    cv2.imwrite(str(tmp_path / "quarters.png"), image[..., ::-1])
    tile = of_file(tmp_path, quad(0.4, 0.4), {"quarters": "quarters.png"})
    look = Look(light=Light(intensity=0), ambient=Ambient(intensity=1.5))
    frame = raster.render(under(look, Thing(tile, at(0, 0, 0), "quarters"), roughness=1.0), DOWN)
    linear = light.decode(frame.rgb)
    truth = light.decode(colors.astype(np.uint8))
    seen = np.array([linear[y, x] for y, x in ((45, 70), (45, 130), (105, 70), (105, 130))])
    gain, veil = np.polyfit(truth.ravel(), seen.ravel(), 1)  # what the surface mirrors is white
    assert gain == pytest.approx(0.45, abs=0.02)
    assert 0 < veil < 0.04
    assert np.abs(seen - (gain * truth + veil)).max() < 0.01


def test_the_backdrop_is_the_shared_one(raster: RasterRenderer) -> None:
    look = Look(backdrop=Backdrop(texture="wood"))
    frame = raster.render(under(look, Thing(ball(0.1), at(0, 0, 0))), DOWN)
    picture = backdrop.picture(under(look).scene, DOWN)
    assert picture is not None
    nothing = frame.depth_m == 0
    assert np.array_equal(frame.rgb[nothing], picture[nothing])


def test_many_lamps_are_drawn_or_refused_in_one_line(raster: RasterRenderer) -> None:
    lights = {f"lamp{k}": Light(azimuth_deg=12 * k, intensity=0.05) for k in range(12)}
    frame = raster.render(under(Look(lights=lights), *THINGS), DOWN)
    assert frame.rgb.mean() > 20


def test_shadows_go_where_bodies_go(raster: RasterRenderer) -> None:
    """Also when what a shadow map covers stays the same."""
    table = Thing(block(0.4, 0.3, 0.02), at(0, 0, -0.01))
    frame_posts = [Thing(block(0.01, 0.01, 0.1), at(x, 0.14, 0.05)) for x in (-0.19, 0.19)]
    shown = [
        under(one_light(), Thing(block(0.03, 0.03, 0.05), at(x, 0, 0.025)), table, *frame_posts)
        for x in (-0.06, 0.07)
    ]
    pictures = [raster.render(one, DOWN).rgb for one in shown]
    for one, picture in zip(shown, pictures, strict=True):
        with RasterRenderer() as fresh:
            assert np.array_equal(fresh.render(one, DOWN).rgb, picture)
    moved = replace(shown[0], X_WB=shown[1].X_WB)
    assert np.array_equal(raster.render(moved, DOWN).rgb, pictures[1])
