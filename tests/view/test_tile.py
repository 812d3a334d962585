"""A tile shows every label and picture that its image has, and no button for one that it lacks."""

import base64
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import lens
from simenv.view.color import DepthScale, body_color
from simenv.view.page import page_html
from simenv.view.paint import (
    flow_picture,
    longest_px,
    nocs_picture,
    normals_picture,
    semantic_picture,
)
from simenv.view.shot import About, Shot
from simenv.view.svg import hex_color
from simenv.view.tile import VIEWS, tile_html
from tests.view import spheres
from tests.view.html import Page

ABOUT = About("t", "", (), (("accepted", 1),), ())
SMALL = (360, 480)  # of further pictures of 480x640
JPEG_ERROR = 6  # of 255, away from edges


@pytest.fixture(scope="module")
def shot() -> Shot:
    """An image with every label."""
    return spheres.rich_shot(6)


@pytest.fixture(scope="module")
def tile(shot: Shot) -> Page:
    """Its tile."""
    return Page.of(tile_html(shot))


def pictures(page: Page) -> dict[str, NDArray[np.uint8]]:
    """The rgb of the tile's pictures by name."""
    found = {}
    for image in page.attributes("img"):
        data = np.frombuffer(base64.b64decode(image["src"].split(",", 1)[1]), dtype=np.uint8)
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert bgr is not None
        found[image["alt"]] = np.asarray(bgr[..., ::-1], dtype=np.uint8)
    return found


def buttons(page: Page) -> list[str]:
    """What can be pressed."""
    return [attributes["data-show"] for attributes in page.attributes("button")]


def halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As a further picture is stored, but for JPEG."""
    return np.asarray(cv2.resize(picture, SMALL[::-1], interpolation=cv2.INTER_AREA))


def test_there_is_a_button_and_a_pane_for_what_there_is(shot: Shot, tile: Page) -> None:
    assert buttons(tile) == list(VIEWS)
    panes = [
        attributes["data-pane"]
        for attributes in tile.attributes("div")
        if "data-pane" in attributes
    ]
    assert panes == list(VIEWS[1:])
    assert list(pictures(tile)) == panes
    few = Page.of(tile_html(replace(spheres.shot(2), flow=shot.flow)))
    assert buttons(few) == ["overlay", "rgb", "mask", "depth", "flow"]
    assert buttons(Page.of(tile_html(spheres.shot(2)))) == list(VIEWS[:4])


@pytest.mark.parametrize("further", range(7))
def test_no_two_panes_cover_each_other_and_none_leaves_the_grid(shot: Shot, further: int) -> None:
    some = spheres.shot(6)
    for name in ("semantic", "normals", "nocs", "flow", "rgb_sensor", "depth_sensor_m")[:further]:
        object.__setattr__(some, name, getattr(shot, name))
    page = Page.of(tile_html(some))
    styles = [a["style"] for a in page.attributes("div") if "data-pane" in a]
    assert len(styles) == 3 + further
    taken = np.zeros((8, 14), dtype=int)
    for style in styles:
        top, left, bottom, right = style.removeprefix("--slot:").split(" / ")
        rows = slice(int(top), int(top) + 1 if bottom == "auto" else int(bottom))
        end = int(left) + int(right[5:]) if right.startswith("span") else int(right)
        taken[rows, int(left) : end] += 1
    assert taken.max() == 1
    assert taken[1:3, 1:13].all()
    assert not taken[:, 13:].any()


@pytest.mark.parametrize("name", ["normals", "nocs", "flow", "rgb sensor"])
def test_smooth_pictures_are_stored_small_and_nearly_exact(
    shot: Shot, tile: Page, name: str
) -> None:
    assert shot.normals is not None
    assert shot.nocs is not None
    assert shot.flow is not None
    assert shot.rgb_sensor is not None
    expected = {
        "normals": normals_picture(shot.normals),
        "nocs": nocs_picture(shot.nocs),
        "flow": flow_picture(shot.flow, longest_px(shot.flow)),
        "rgb sensor": shot.rgb_sensor,
    }[name]
    stored = pictures(tile)[name]
    assert stored.shape == (*SMALL, 3)
    error = np.abs(stored.astype(int) - halved(expected)).max(axis=2)
    body = halved(np.repeat(((shot.instance > 0) * 255)[..., None], 3, 2).astype(np.uint8))[..., 0]
    inside = cv2.erode((body == 255).astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    outside = cv2.erode((body == 0).astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    assert inside.sum() > 1000
    assert np.percentile(error[inside | outside], 99.5) <= JPEG_ERROR


def test_flat_pictures_are_exact(shot: Shot, tile: Page) -> None:
    assert shot.semantic is not None
    assert shot.depth_sensor_m is not None
    shown = pictures(tile)
    scale = DepthScale.of(shot.depth_m, shot.instance)
    picked = [
        cv2.resize(image, SMALL[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        for image in (semantic_picture(shot.semantic), scale.picture(shot.depth_sensor_m))
    ]
    assert np.array_equal(shown["semantic"], picked[0])
    assert np.array_equal(shown["depth sensor"], picked[1])  # on the scale of the clean depth


def test_the_caption_of_the_flow_says_how_far(shot: Shot, tile: Page) -> None:
    nearest = min(part.X_CB[2, 3] for part in shot.parts) - spheres.RADIUS_M
    said = re.search(r"flow, up to ([\d.]+) px", tile.said)
    assert said is not None
    assert float(said[1]) == pytest.approx(600 * spheres.STEP_M / nearest, rel=0.02)
    still = replace(shot, flow=np.zeros((480, 640, 2), dtype=np.float32))
    assert "flow: nothing moves" in Page.of(tile_html(still)).said


def test_the_legend_names_the_classes_in_the_picture_and_no_others(shot: Shot, tile: Page) -> None:
    text = tile_html(shot)
    assert "semantic ball marble" in tile.said
    assert "shelf" not in tile.said
    for value, name in ((1, "ball"), (3, "marble")):
        assert f'background:{hex_color(body_color(value))}"></i>{name}<' in text


def test_classes_of_furniture_alone_are_grey(shot: Shot) -> None:
    assert shot.semantic is not None
    instance, semantic = shot.instance.copy(), shot.semantic.copy()
    instance[-20:], semantic[-20:] = 77, 2  # no part
    text = tile_html(replace(shot, instance=instance, semantic=semantic))
    for value, fixed in ((1, False), (2, True), (3, False)):
        color = hex_color(body_color(value, fixed=fixed))
        assert f'background:{color}"></i>{spheres.CLASSES[value - 1]}<' in text
    shown = pictures(Page.of(text))["semantic"]
    assert tuple(shown[-1, 0]) == body_color(2, fixed=True)


def test_the_part_table_says_what_hides_and_touches_and_who_is_a_distractor(tile: Page) -> None:
    assert (
        "id object visible truncated hidden by touches distance m 1 ball 0.75 0.00 6 floor 6 "
        in tile.said
    )
    assert "2 ball distractor 0.75 0.20 - - " in tile.said
    assert tile.said.count("distractor") == 1
    plain = Page.of(tile_html(spheres.shot(2))).said
    assert "id object visible distance m 1 ball 0.75 " in plain


def test_dots_are_visible_keypoints_and_rings_hidden_ones(shot: Shot, tile: Page) -> None:
    circles = tile.attributes("circle")
    expected = []
    for part in shot.parts:
        assert part.keypoints_uv is not None
        assert part.keypoints_state is not None
        for state in (3, 2):
            expected += [
                (*uv, state == 2) for uv in part.keypoints_uv[part.keypoints_state == state]
            ]
    assert len(circles) == len(expected)
    for circle, (u, v, hidden) in zip(circles, expected, strict=True):
        place = (float(circle["cx"]), float(circle["cy"]))
        assert place == pytest.approx((float(u), float(v)), abs=0.006)
        assert ("hidden" in circle["class"]) == hidden
    assert {hidden for _, _, hidden in expected} == {True, False}


def test_keypoints_of_a_small_part_are_small(shot: Shot) -> None:
    part = shot.parts[0]
    small = replace(part, box=(10, 10, 24, 18))
    radii = [
        float(Page.of(tile_html(replace(shot, parts=(each,)))).attributes("circle")[0]["r"])
        for each in (part, small)
    ]
    assert radii == pytest.approx([640 / 240, 1.0], abs=0.21)
    assert radii[0] > 2 * radii[1]


def test_a_keypoint_outside_the_image_is_not_drawn(shot: Shot) -> None:
    part = shot.parts[0]
    assert part.keypoints_state is not None
    away = replace(part, keypoints_state=np.array([1, 0], dtype=np.uint8))
    page = Page.of(tile_html(replace(shot, parts=(away,))))
    assert not page.attributes("circle")


def ways(page: Page, kind: str) -> list[NDArray[np.float64]]:
    """The polylines of all paths of a kind."""
    paths = [path["d"] for path in page.attributes("path") if path["class"] == kind]
    lines = [line for path in paths for line in path.replace("Z", "").split("M")[1:]]
    return [np.array([point.split() for point in line.split("L")], dtype=float) for line in lines]


def test_each_3d_box_has_twelve_lines_and_only_a_lens_bends_them(shot: Shot, tile: Page) -> None:
    straight = ways(tile, "box3d")
    assert len(straight) == 12 * len(shot.parts)
    assert {len(line) for line in straight} == {2}
    bent_shot = spheres.rich_shot(6, distortion=spheres.LENS)
    bent = ways(Page.of(tile_html(bent_shot)), "box3d")
    assert len(bent) == len(straight)
    assert min(len(line) for line in bent) > 2
    for lines, of in ((straight, shot), (bent, bent_shot)):
        for row, part in enumerate(of.parts):
            assert part.corners_uv is not None
            ends = np.concatenate([line[[0, -1]] for line in lines[12 * row : 12 * row + 12]])
            apart = np.linalg.norm(ends[:, None] - part.corners_uv[None], axis=2)
            assert apart.min(axis=1).max() < 0.01
            assert np.bincount(apart.argmin(axis=1)).tolist() == [3] * 8


def test_body_axes_go_through_the_lens() -> None:
    bent_shot = spheres.rich_shot(6, distortion=spheres.LENS)
    lines = Page.of(tile_html(bent_shot)).attributes("line")
    assert len(lines) == 3 * len(bent_shot.parts)
    for row, part in enumerate(bent_shot.parts):
        tip = part.X_CB[:3, :3] @ (0, 0, spheres.RADIUS_M) + part.X_CB[:3, 3]
        place = lens.project(tip, spheres.K, spheres.LENS)
        line = lines[3 * row + 2]
        assert (float(line["x2"]), float(line["y2"])) == pytest.approx(place, abs=1e-3)


def test_notes_stand_where_they_are_needed(shot: Shot) -> None:
    rich = Page.of(page_html(ABOUT, [spheres.shot(1), shot])).said
    plain = Page.of(page_html(ABOUT, [spheres.shot(1)])).said
    for word in ("3-D boxes", "keypoints", "Normals", "NOCS", "Flow", "depth sensor"):
        assert word in rich
        assert word not in plain


def test_the_page_offers_what_any_tile_has(shot: Shot) -> None:
    few = replace(spheres.shot(1), nocs=shot.nocs)
    page = Page.of(page_html(ABOUT, [spheres.shot(1), few]))
    plain = ["overlay", "rgb", "mask", "depth"]
    assert buttons(page) == [*plain, "nocs", *plain, *plain, "nocs"]


def test_a_page_of_all_labels_can_still_be_sent_around(shot: Shot) -> None:
    assert len(tile_html(shot)) < 250_000
