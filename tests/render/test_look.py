"""What changes the picture and never a label: light, textures, colours, backdrop."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.engine import pybullet
from simenv.errors import InputError
from simenv.mesh import quad
from simenv.pose import Matrix, Vector
from simenv.render import camera, light, relight
from simenv.render.bullet import BulletRenderer
from simenv.render.ignored import ignored
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Snapshot, View
from simenv.spec.load import task_from_text
from simenv.spec.look import Look
from tests.render.build import Thing, at, ball, block, can, ground, looking, of_file, snapshot
from tests.render.judge import rays_of

DOWN = looking((0, 0, 0.6), (0, 0, 0))
RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 40), (40, 60, 220), (230, 220, 40)


def same_labels(a: Frame, b: Frame) -> bool:
    """Whether depth, masks and clipping planes are bit-identical."""
    return (
        np.array_equal(a.depth_m, b.depth_m)
        and np.array_equal(a.instance, b.instance)
        and a.near_far_m == b.near_far_m
    )


def hue(frame: Frame, rows: slice, columns: slice) -> NDArray[np.float64]:
    """Mean colour (3,) of a window, scaled to a largest component of 1."""
    mean = frame.rgb[rows, columns].reshape(-1, 3).mean(axis=0)
    return np.asarray(mean / mean.max())


def at_pixel(view: View, x: float, y: float) -> tuple[slice, slice]:
    """A 5 x 5 window about where ``view`` (straight down) sees the ground point (x, y)."""
    R_CW, p_WC = view.X_WC[:3, :3].T, view.X_WC[:3, 3]
    p_C = R_CW @ (np.array([x, y, 0.0]) - p_WC)
    u, v = np.round((view.K @ p_C)[:2] / p_C[2]).astype(int)
    return slice(v - 2, v + 3), slice(u - 2, u + 3)


def close(color: NDArray[np.float64], expected: tuple[int, int, int]) -> bool:
    """Whether a hue is that of an RGB colour."""
    return bool(np.abs(color - np.array(expected) / max(expected)).max() < 0.12)


def things() -> list[Thing]:
    """A few bodies on the ground."""
    return [
        Thing(ball(0.04), at(-0.1, 0, 0.04), "plastic", (0.9, 0.3, 0.2)),
        Thing(can(0.03, 0.08), at(0.1, 0.05, 0.04), "steel"),
        Thing(block(0.1, 0.05, 0.03), at(0, -0.1, 0.015), "wood"),
        ground(),
    ]


def test_the_light_changes_shading_and_no_label(renderer: Renderer) -> None:
    view = looking((0.3, -0.4, 0.5), (0, 0, 0))
    first = renderer.render(snapshot(*things(), light=(40, 30)), view)
    second = renderer.render(snapshot(*things(), light=(40, 150)), view)
    again = renderer.render(snapshot(*things(), light=(40, 30)), view)
    assert same_labels(first, second)
    assert np.mean(np.any(first.rgb != second.rgb, axis=2)) > 0.01
    assert np.array_equal(first.rgb, again.rgb)  # the engine's light is sticky


@pytest.mark.parametrize(("azimuth", "shady"), [(0, "left"), (180, "right")])
def test_shadows_fall_away_from_the_light(egl: Renderer, azimuth: float, shady: str) -> None:
    post = Thing(can(0.02, 0.12), at(0, 0, 0.06))
    view = looking((0, 0, 1.2), (0, 0, 0))
    frame = egl.render(snapshot(post, ground(None), light=(45, azimuth)), view)
    left, right = (frame.rgb[at_pixel(view, x, 0.0)].astype(float).mean() for x in (-0.08, 0.08))
    assert (left < 0.93 * right) if shady == "left" else (right < 0.93 * left)


def test_a_texture_changes_the_picture_and_no_label(renderer: Renderer) -> None:
    looks = [
        renderer.render(snapshot(Thing(block(0.2, 0.2, 0.05), at(0, 0, 0), name), ground()), DOWN)
        for name in (None, "wood", "checker")
    ]
    assert all(same_labels(looks[0], other) for other in looks[1:])
    assert not np.array_equal(looks[0].rgb, looks[1].rgb)
    assert not np.array_equal(looks[1].rgb, looks[2].rgb)


def test_each_body_wears_its_own_texture_and_colour(renderer: Renderer, tmp_path: Path) -> None:
    for name, color in {"red": RED, "green": GREEN}.items():
        image = np.full((8, 8, 3), color, np.uint8)
        cv2.imwrite(str(tmp_path / f"{name}.png"), image[..., ::-1])
    tile = of_file(tmp_path, quad(0.1, 0.1), {"ripe": "red.png", "unripe": "green.png"})
    row = [
        Thing(tile, at(-0.15, 0, 0), "ripe"),
        Thing(tile, at(0, 0, 0), "unripe"),
        Thing(tile, at(0.15, 0, 0), "ripe"),
        Thing(tile, at(0, 0.14, 0), None, (0.2, 0.3, 1.0)),
        Thing(tile, at(0, -0.14, 0), "ripe", (0.0, 1.0, 0.0)),
    ]
    for order in ([0, 1, 2, 3, 4], [1, 0, 4, 3, 2], [2, 1], [0, 1, 2, 3, 4]):
        frame = renderer.render(snapshot(*(row[k] for k in order)), DOWN)
        seen = {k: hue(frame, *at_pixel(DOWN, *row[k].X_WB[:2, 3])) for k in order}
        assert close(seen[1], GREEN)
        assert close(seen[2], RED)
        assert 0 not in seen or close(seen[0], RED)
        assert 3 not in seen or close(seen[3], (51, 77, 255))
        assert 4 not in seen or close(seen[4], (0, RED[1], 0))  # the product of both


def test_v_grows_upwards_in_the_image_and_u_to_the_right(
    renderer: Renderer, tmp_path: Path
) -> None:
    image = np.zeros((64, 60, 3), np.uint8)  # not a multiple of 8, nor square
    image[:32, :30], image[:32, 30:], image[32:, :30], image[32:, 30:] = RED, GREEN, BLUE, YELLOW
    cv2.imwrite(str(tmp_path / "corners.png"), image[..., ::-1])
    tile = of_file(tmp_path, quad(0.2, 0.2), {"corners": "corners.png"})
    frame = renderer.render(snapshot(Thing(tile, at(0, 0, 0), "corners")), DOWN)
    for (x, y), color in {
        (-0.05, 0.05): RED, (0.05, 0.05): GREEN, (-0.05, -0.05): BLUE, (0.05, -0.05): YELLOW,
    }.items():  # fmt: skip
        assert close(hue(frame, *at_pixel(DOWN, x, y)), color)


def test_images_of_any_width_are_not_sheared(renderer: Renderer, tmp_path: Path) -> None:
    image = np.zeros((50, 53, 3), np.uint8)
    image[:, :26], image[:, 26:] = RED, BLUE
    cv2.imwrite(str(tmp_path / "odd.png"), image[..., ::-1])
    tile = of_file(tmp_path, quad(0.2, 0.2), {"odd": "odd.png"})
    frame = renderer.render(snapshot(Thing(tile, at(0, 0, 0), "odd")), DOWN)
    for y in (-0.08, 0.0, 0.08):
        assert close(hue(frame, *at_pixel(DOWN, -0.03, y)), RED)
        assert close(hue(frame, *at_pixel(DOWN, 0.03, y)), BLUE)


def test_a_texture_repeats_at_its_period(renderer: Renderer) -> None:
    """The 8 x 8 checker at 0.1 m has squares of 12.5 mm all over a 0.4 m box."""
    board = Thing(block(0.4, 0.4, 0.1, repeat_m=0.1), at(0, 0, -0.05), "checker")
    frame = renderer.render(snapshot(board), DOWN)
    x = -0.2 + 0.0125 * (np.arange(32) + 0.5)
    light = np.array(
        [[frame.rgb[at_pixel(DOWN, a, b)][2, 2].mean() for a in x[4:-4]] for b in x[4:-4]]
    )
    squares = light > light.mean()
    assert np.array_equal(squares[:, 1:], ~squares[:, :-1])
    assert np.array_equal(squares[1:], ~squares[:-1])


def test_the_backdrop_is_where_nothing_is(renderer: Renderer) -> None:
    box = Thing(block(0.2, 0.2, 0.1), at(0, 0, 0), "checker")
    frames = [
        renderer.render(snapshot(box, backdrop=color), DOWN)
        for color in [(0.2, 0.4, 1.0), (0.0, 0.0, 0.0)]
    ]
    nothing = frames[0].instance == 0
    assert (frames[0].rgb[nothing] == (51, 102, 255)).all()
    assert (frames[1].rgb[nothing] == 0).all()
    assert (frames[0].depth_m[nothing] == 0).all()
    assert (frames[0].depth_m[~nothing] > 0).all()
    assert np.array_equal(frames[0].rgb[~nothing], frames[1].rgb[~nothing])
    assert same_labels(*frames)


def test_the_floor_hides_the_backdrop_and_has_no_instance(renderer: Renderer) -> None:
    frame = renderer.render(snapshot(ground("concrete"), backdrop=(1.0, 0.0, 1.0)), DOWN)
    assert (frame.instance == 0).all()
    assert (frame.depth_m > 0.59).all()
    assert not (frame.rgb == (255, 0, 255)).all(axis=2).any()


def test_an_unknown_texture_is_an_error_with_the_known_ones(renderer: Renderer) -> None:
    before = snapshot(*things())
    expected = renderer.render(before, DOWN)
    wrong = snapshot(Thing(ball(0.04), at(0, 0, 0), "velvet"))
    with pytest.raises(InputError, match="no texture 'velvet'; there is rubber, green_pvc"):
        renderer.render(wrong, DOWN)
    assert np.array_equal(renderer.render(before, DOWN).rgb, expected.rgb)


def test_a_broken_image_is_named(renderer: Renderer, tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(b"not a picture")
    tile = of_file(tmp_path, quad(0.1, 0.1), {"torn": "torn.png"})
    with pytest.raises(InputError, match=r"torn\.png: not a readable image"):
        renderer.render(snapshot(Thing(tile, at(0, 0, 0), "torn")), DOWN)


# Looks that the engines do not draw themselves. Truth: Lambert's law in linear light.

LOOKS: dict[str, dict[str, Any]] = {
    "dim": {"light": {"intensity": 0.5}},
    "cold": {"light": {"temperature_k": 12000.0}, "ambient": {"temperature_k": 9000.0}},
    "soft": {"light": {"softness_deg": 8.0, "elevation_deg": 40.0}},
    "faint shadow": {"light": {"shadow": 0.3}},
    "lamps": {
        "light": {"intensity": 0.0},
        "lights": {"left": {"azimuth_deg": 180.0, "color": (1.0, 0.4, 0.2)}, "right": {}},
    },
    "night": {"light": {"elevation_deg": 5.0}, "ambient": {"intensity": 0.0}},
    "behind": {"backdrop": {"texture": "shapes"}},
}


def under(shown: Snapshot, **look: Any) -> Snapshot:
    """The same under another look."""
    return replace(shown, scene=replace(shown.scene, look=Look(**look)))


def linear(frame: Frame) -> NDArray[np.float64]:
    """Linear light (H, W, 3) of a picture."""
    return light.decode(frame.rgb).astype(float)


def normals_of(radius: float, X_WB: Matrix, frame: Frame, view: View) -> NDArray[np.float64]:
    """Outward unit vectors (H, W, 3) of a sphere about the origin of B, world axes."""
    p_C = rays_of(view) * frame.depth_m[..., None]
    p_W = p_C @ view.X_WC[:3, :3].T + view.X_WC[:3, 3]
    return np.asarray((p_W - X_WB[:3, 3]) / radius)


def lambert(look: Look, normal: NDArray[np.float64], albedo: Vector) -> NDArray[np.float64]:
    """Linear light (..., 3) that a surface sends out under ``look`` where nothing shades it."""
    level = light.GROUND + (1 - light.GROUND) * (0.5 + 0.5 * normal[..., 2:])
    total = light.AMBIENT * level * light.rgb(look.ambient)
    for lamp in (look.light, *look.lights.values()):
        slope = np.clip(normal @ light.direction(lamp), 0, None)[..., None]
        total = total + light.KEY * slope * light.rgb(lamp)
    return np.asarray(np.clip(total * albedo, 0, 1))


@pytest.mark.parametrize("size", [(160, 120), (1100, 60)])
def test_the_default_look_is_one_picture_as_the_engine_draws_it(
    renderer: BulletRenderer, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, view = snapshot(*things(), backdrop=(0.2, 0.3, 0.4)), looking((0, 0, 2), (0, 0, 0))
    view = replace(view, width=size[0], height=size[1])
    taken = counted(monkeypatch)
    frame = renderer.render(shown, view)
    pictures = camera.tiles(*size, renderer.largest_tile)
    assert len(taken) == len(pictures)
    whole = pictures[0]
    kept = {k: v for k, v in taken[0].items() if k != "flags"}
    rgba = pybullet.getCameraImage(whole.width, whole.height, **kept)
    seen = rgba[4] >= 0
    assert np.array_equal(frame.rgb[:, : whole.width][seen], rgba[2][seen][:, :3])


@pytest.mark.parametrize(
    ("look", "egl_pictures", "tiny_pictures"),
    [
        ({"light": {"intensity": 2.0}}, 6, 3),
        ({"light": {"intensity": 2.0, "elevation_deg": 45.0}}, 5, 3),
        ({"light": {"shadow": 0.0}}, 5, 1),  # tiny has no shadows to begin with
        ({"light": {"softness_deg": 3.0}}, 5 + relight.LAMP_POINTS, 1),
        ({"lights": {"fill": {"azimuth_deg": 200.0}}}, 8, 4),
        ({"ambient": {"intensity": 0.5}, "light": {"intensity": 0.0}}, 4, 2),
    ],
)
def test_what_a_look_costs_in_pictures(
    renderer: BulletRenderer,
    look: dict[str, Any],
    egl_pictures: int,
    tiny_pictures: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = counted(monkeypatch)
    renderer.render(
        under(snapshot(*things()), **look), looking((0, 0, 1), (0, 0, 0), size=(80, 60))
    )
    assert len(taken) == (egl_pictures if renderer.name == "egl" else tiny_pictures)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the engine is asked for from here on, picture by picture."""
    taken: list[dict[str, Any]] = []
    draw = pybullet.getCameraImage

    def noted(*size: int, **asked: Any) -> Any:
        taken.append(asked)
        return draw(*size, **asked)

    monkeypatch.setattr(pybullet, "getCameraImage", noted)
    return taken


@pytest.mark.parametrize("name", LOOKS)
def test_no_look_moves_a_label(renderer: Renderer, name: str) -> None:
    shown, view = snapshot(*things()), looking((0.3, -0.4, 0.5), (0, 0, 0))
    plain, other = renderer.render(shown, view), renderer.render(under(shown, **LOOKS[name]), view)
    assert same_labels(plain, other)
    again = renderer.render(under(shown, **LOOKS[name]), view)
    assert np.array_equal(other.rgb, again.rgb)
    assert np.array_equal(renderer.render(shown, view).rgb, plain.rgb)


@pytest.mark.parametrize(
    "look",
    [
        {"light": {"azimuth_deg": 180.0, "elevation_deg": 20.0, "shadow": 0.0}},
        {"light": {"intensity": 1.5, "shadow": 0.0}, "ambient": {"intensity": 0.1}},
        {
            "light": {"temperature_k": 3000.0, "intensity": 0.6, "shadow": 0.0},
            "lights": {"cold": {"azimuth_deg": -90.0, "color": (0.1, 0.3, 0.8), "shadow": 0.0}},
            "ambient": {"color": (0.2, 0.5, 0.3)},
        },
    ],
)
@pytest.mark.parametrize("color", [(1.0, 1.0, 1.0), (0.8, 0.3, 0.15)])
def test_a_sphere_is_lit_by_lamberts_law(
    renderer: Renderer, look: dict[str, Any], color: tuple[float, float, float]
) -> None:
    look["light"].setdefault("softness_deg", 1e-9)  # what tiny draws by itself is not Lambert's law
    look["ambient"] = {"temperature_k": 6400.0, **look.get("ambient", {})}
    radius, X_WB = 0.1, at(0, 0, 0.3)
    shown = under(snapshot(Thing(ball(radius), X_WB, None, color)), **look)
    view = looking((0.5, -0.6, 0.5), (0, 0, 0.3), size=(160, 120))
    frame = renderer.render(shown, view)
    inside = frame.instance == 1
    normal = normals_of(radius, X_WB, frame, view)
    albedo = light.decode(np.round(255 * np.array(color)).astype(np.uint8)).astype(float)
    expected = light.encode(lambert(shown.scene.look, normal, albedo)).astype(float)
    error = np.abs(frame.rgb.astype(float) - expected)[inside]
    assert error.mean() < 2.5  # grey levels
    assert np.percentile(error, 95) < 8


def test_faces_towards_a_lamp_on_the_left_are_the_bright_ones(renderer: Renderer) -> None:
    post, view = Thing(ball(0.1), at(0, 0, 0.1)), looking((0, -1e-3, 1), (0, 0, 0))
    for azimuth, bright in ((180.0, 0), (0.0, 1)):
        lamp = {"azimuth_deg": azimuth, "elevation_deg": 10.0, "intensity": 1.5}
        frame = renderer.render(under(snapshot(post), light=lamp), view)
        _, u = np.nonzero(frame.instance == 1)
        level = linear(frame)[frame.instance == 1].mean(axis=1)
        halves = [level[u < 150].mean(), level[u > 170].mean()]
        assert halves[bright] > 2 * halves[1 - bright]


def test_the_hotter_the_lamps_the_bluer_the_picture(renderer: Renderer) -> None:
    ratios = []
    for kelvin in (2500.0, 4000.0, 6600.0, 10000.0, 20000.0):
        lamps = {"temperature_k": kelvin, "intensity": 0.6}
        frame = renderer.render(under(snapshot(*things()), light=lamps, ambient=lamps), DOWN)
        red, _, blue = linear(frame).mean(axis=(0, 1))
        ratios.append(blue / red)
    assert (np.diff(ratios) > 0.05).all()


def test_half_the_light_is_half_the_picture(renderer: Renderer) -> None:
    shown = snapshot(*things())
    levels = [
        linear(renderer.render(under(shown, light=lamps, ambient=lamps), DOWN)).mean()
        for lamps in ({"intensity": k} for k in (0.8, 0.4, 0.2, 0.0))
    ]
    assert levels[1] == pytest.approx(levels[0] / 2, rel=0.02)
    assert levels[2] == pytest.approx(levels[0] / 4, rel=0.03)
    assert levels[3] == 0


def test_lamps_add_up(renderer: Renderer) -> None:
    """With A alone + with B alone = with both + with neither, in linear light."""
    shown, view = snapshot(*things()), looking((0.3, -0.4, 0.5), (0, 0, 0))

    def lit(a: float, b: float) -> NDArray[np.float64]:
        lamps = {
            "light": {"intensity": 0.5 * a, "azimuth_deg": 200.0, "color": (1.0, 0.5, 0.3)},
            "lights": {"b": {"intensity": 0.4 * b, "azimuth_deg": 20.0, "softness_deg": 4.0}},
            "ambient": {"intensity": 0.4},
        }
        return linear(renderer.render(under(shown, **lamps), view))

    both = light.encode(lit(1, 0) + lit(0, 1) - lit(0, 0)).astype(int)
    assert np.abs(both - light.encode(lit(1, 1))).max() <= 3


def floor_levels(renderer: Renderer, **look: Any) -> NDArray[np.float64]:
    """Linear light along y = 0 of a white floor, on which a 0.1 m block has a shadow to the left.

    One value a pixel, 2.5 mm apart, from x = -0.4 to -0.06.
    """
    post = Thing(block(0.1, 0.3, 0.1), at(0, 0, 0.05))
    view = looking((0, 0, 2.0), (0, 0, 0), size=(320, 64))
    scale = 800.0
    K = np.array([[scale, 0, 159.5], [0, scale, 31.5], [0, 0, 1]])
    shown = under(snapshot(post, ground(None)), **look)
    frame = renderer.render(shown, replace(view, K=K))
    axis = view.X_WC[:3, :3].T @ np.array([1.0, 0, 0])  # where world x is in the image
    row = linear(frame)[28:36].mean(axis=(0, 2)) if abs(axis[0]) > 0.5 else None
    assert row is not None
    row = row[:: int(np.sign(axis[0]))]
    return np.asarray(row[: round(159.5 - 0.06 * scale / 2.0)])


def lamp(softness_deg: float, shadow: float = 1.0) -> dict[str, Any]:
    """From the right, 45 degrees up, over a weak ambient light."""
    key = {"elevation_deg": 45.0, "azimuth_deg": 0.0, "softness_deg": softness_deg}
    return {"light": {**key, "shadow": shadow}, "ambient": {"intensity": 0.3}}


def test_a_larger_lamp_has_a_wider_penumbra(egl: Renderer) -> None:
    """The block's upper edge, 0.1 m up, is blurred over h (cot(e - s) - cot(e + s))."""
    widths = []
    for softness in (0.0, 4.0, 8.0, 16.0):
        row = floor_levels(egl, **lamp(softness))
        low, high = row.min(), row[:20].mean()
        risen = (row - low) / (high - low)
        partial = (risen > 0.05) & (risen < 0.95)
        widths.append(2.5e-3 * partial.sum())
    e, s = np.radians(45), np.radians([4, 8, 16])
    expected = 0.1 * (1 / np.tan(e - s) - 1 / np.tan(e + s))
    assert widths[0] <= 0.0076
    assert (np.array(widths[1:]) / expected > 0.6).all()
    assert (np.array(widths[1:]) / expected < 1.15).all()


def test_a_shadow_takes_away_what_it_is_told_to(egl: Renderer) -> None:
    full, half, none = (floor_levels(egl, **lamp(0.0, shadow)) for shadow in (1.0, 0.5, 0.0))
    ambient = 0.3 * light.AMBIENT
    key = light.KEY * np.sin(np.radians(45))
    assert np.ptp(none) < 0.01
    assert none.mean() == pytest.approx(ambient + key, rel=0.03)
    assert full.min() == pytest.approx(ambient, rel=0.1)
    assert half.min() == pytest.approx(ambient + key / 2, rel=0.06)
    assert full.max() == pytest.approx(none.mean(), rel=0.03)


def test_without_ambient_light_shadows_are_black(egl: Renderer) -> None:
    dark = {**lamp(0.0), "ambient": {"intensity": 0.0}}
    assert floor_levels(egl, **dark).min() < 0.004


@pytest.mark.parametrize("upright", [False, True])
def test_no_highlight_of_the_engine_is_left_on_an_even_board(egl: Renderer, upright: bool) -> None:
    """The plugin's highlights come from an eye that stays where it is, whatever the view."""
    grey = (0.8, 0.8, 0.8)
    shown = snapshot(Thing(block(2, 2, 0.1), at(0, 0, -0.05), None, grey))
    view = looking((0, 0, 2.5), (0, 0, 0))
    if upright:  # a wall, and something that puts the middle of the scene, where the eye is, off it
        wall = Thing(block(0.1, 2, 2), at(-0.5, 0, 0), None, grey)
        shown = snapshot(wall, Thing(block(0.02, 0.02, 0.02), at(0.5, 0, -0.97)))
        view = looking((2, 0, 0.2), (-0.5, 0, 0))
    spread: dict[float, list[int]] = {1.0: [], 0.0: []}
    for elevation in (5.0, 44.0, 46.0, 60.0, 85.0):
        for shadow, found in spread.items():
            key = {"elevation_deg": elevation, "azimuth_deg": 30.0, "shadow": shadow}
            frame = egl.render(under(shown, light=key), view)
            found.append(int(np.ptp(frame.rgb[frame.instance == 1].astype(int))))
    assert max(spread[1.0]) > 20
    assert max(spread[0.0]) <= 6  # composed


def test_what_a_renderer_does_not_draw_is_told() -> None:
    text = """
format: simenv-task-1
name: shiny
actors: {parts: {objects: hex_bolt, roughness: 0.2, spawn: {zone: there}}}
scene: {zones: {there: {center: [0, 0, 0], size_m: [0.1, 0.1]}}}
cameras: {one: {resolution: [64, 48], fov_y_deg: 50, X_WC: {eye: [0, 0, 1], target: [0, 0, 0]}}}
look: {light: {softness_deg: 2}}
domain:
  actors.parts.metallic: {kind: visual, uniform: [0, 1], each: actor}
"""
    spec = task_from_text(text).spec
    assert ignored(spec, "raster") is None
    assert ignored(spec, "egl") == (
        "the egl renderer does not show actors.parts.metallic, actors.parts.roughness: pictures "
        "stay as if the task did not say them; use --renderer raster"
    )
    assert "look.light.softness_deg" in str(ignored(spec, "tiny"))
