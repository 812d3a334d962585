"""What changes the picture and never a label: light, textures, colours, backdrop."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv.errors import InputError
from simenv.mesh import quad
from simenv.render.renderer import Frame, Renderer
from simenv.scene import View
from tests.render.build import Thing, at, ball, block, can, ground, looking, of_file, snapshot

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
