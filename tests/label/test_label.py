"""What is hidden and cut off, against pictures of each body alone and against analytic truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simenv import pose
from simenv.label.label import label
from simenv.label.rle import decode
from simenv.mesh import box
from simenv.render.renderer import Frame, Renderer
from simenv.scene import View
from tests.label.bent import BARREL, cast
from tests.label.build import alone, asking, bent, cropped, heap, part
from tests.render.build import Thing, at, block, ground, intrinsics, looking, of_file, snapshot

NAMES = ["carton_small", "gear", "can", "hex_bolt", "mug", "washer", "l_bracket", "knob"]
EVERY = ("amodal", "truncation", "boxes_3d", "keypoints")
ROUNDING_PX = 2  # that a renderer's outline may be off, each body


def crowded(seed: int) -> tuple[list[Thing], View]:
    """A heap half outside the picture."""
    view = looking((0.05 * seed, -0.3, 0.45), (0.06, 0.02, 0.1), intrinsics(300, 300, 140, 125))
    return heap(NAMES, seed), view


def wide(view: View) -> View:
    """The canvas of three by three pictures with this one in its middle."""
    shift = np.array([[0, 0, view.width], [0, 0, view.height], [0, 0, 0.0]])
    return replace(view, width=3 * view.width, height=3 * view.height, K=view.K + shift)


@pytest.mark.parametrize("seed", [0, 1])
def test_silhouettes_are_those_of_pictures_of_each_body_alone(tiny: Renderer, seed: int) -> None:
    things, view = crowded(seed)
    shown = asking(snapshot(*things, ground()), *EVERY)
    frame = tiny.render(shown, view)
    seen = label(shown, view, frame)
    assert seen.amodal is not None
    assert seen.occluder is not None
    assert seen.truncation is not None
    hidden_by = []
    for row in range(len(things)):
        lone = tiny.render(alone(things, row), wide(view))
        all_px = np.count_nonzero(lone.instance)
        lone = cropped(lone, slice(240, 480), slice(320, 640))
        mask = decode(seen.amodal[row], 240, 320)
        visible = frame.instance == row + 1
        assert np.sum(mask != (lone.instance > 0)) <= ROUNDING_PX
        assert not (visible & ~mask).any()
        assert abs(int(seen.px_all[row]) - all_px) <= 2 * ROUNDING_PX
        assert seen.px_all[row] >= mask.sum()
        assert seen.visible_fraction[row] == pytest.approx(visible.sum() / all_px, abs=0.005)
        outside = 1 - np.count_nonzero(lone.instance) / all_px
        assert seen.truncation[row] == pytest.approx(outside, abs=0.005)
        hider = frame.instance[(lone.instance > 0) & ~visible & (frame.depth_m < lone.depth_m)]
        votes = np.bincount(hider, minlength=len(things) + 1)
        assert votes[seen.occluder[row]] == votes.max()
        hidden_by.append(int(seen.occluder[row]))
    assert len(set(hidden_by)) > 3


def test_what_only_an_outline_rounds_away_hides_nothing(tiny: Renderer) -> None:
    """The ground shows in pixels at the rim, but it is behind; so does a slab that all stand on."""
    things = [Thing(part("hex_bolt"), at(0.05 * k, 0, 0.1, 50, 70 * k, 0)) for k in range(-2, 3)]
    things.append(Thing(block(0.5, 0.5, 0.02), at(0, 0, 0.0)))
    shown = asking(snapshot(*things), "amodal")
    view = looking((0, -0.4, 0.6), (0, 0, 0.1))
    frame = tiny.render(shown, view)
    rim = frame.instance.copy()
    for k in range(1, 6):  # as a renderer would that loses the outermost pixels
        inner = rim == k
        inner[1:-1] &= inner[2:] & inner[:-2]
        frame.instance[(rim == k) & ~inner] = 6
    deep = tiny.render(alone(things, 5), view)
    lost = frame.instance != rim
    frame.depth_m[lost] = deep.depth_m[lost]
    found = label(shown, view, frame)
    assert lost.sum() > 100
    assert found.occluder is not None
    assert found.occluder.tolist()[:5] == [0] * 5
    assert found.occluder[5] in {1, 2, 3, 4, 5}


def test_the_floor_counts_as_no_occluder() -> None:
    """A block sunk into the floor is hidden by it, and the floor's id is 0."""
    shown = asking(snapshot(Thing(block(0.1, 0.1, 0.1), at(0, 0, -0.02)), ground()), "amodal")
    view = looking((0, -0.6, 0.3), (0, 0, 0), size=(160, 120))
    seen = label(shown, view, cast(shown, view_with_straight_lens(view)))
    assert seen.occluder is not None
    assert seen.visible_fraction[0] < 0.9
    assert seen.occluder.tolist() == [0]


def view_with_straight_lens(view: View) -> View:
    """The same view as the judge wants it."""
    return bent(view, np.zeros(8))


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_plate_that_a_border_halves_is_half_truncated(side: str) -> None:
    """48 x 48 pixels about a border; the outermost pixels end half a pixel beyond their centres."""
    view = View("camera", 320, 240, intrinsics(240, 240, 159.5, 119.5), np.eye(4))
    x = {"left": -160, "right": 160}.get(side, 0)
    y = {"top": -120, "bottom": 120}.get(side, 0)
    X_CB = pose.pose(p_AB=(x / 240, y / 240, 1.0))
    shown = asking(snapshot(Thing(block(0.2, 0.2, 1e-6), X_CB)), "truncation", "amodal")
    seen = label(shown, view, nothing(view))
    assert seen.px_all[0] == 48 * 48
    assert seen.truncation is not None
    assert seen.truncation.tolist() == [0.5]
    assert seen.amodal is not None
    rows, columns = np.nonzero(decode(seen.amodal[0], 240, 320))
    assert len(rows) == 48 * 24
    reached = {"left": columns.max(), "right": columns.min(), "top": rows.max()}
    assert reached.get(side, rows.min()) == {"left": 23, "right": 296, "top": 23}.get(side, 216)


def test_what_a_renderer_shows_belongs_to_the_silhouette() -> None:
    """Pixels of the mask outside the exact outline count, in every label."""
    view = View("camera", 320, 240, intrinsics(240, 240, 159.5, 119.5), np.eye(4))
    plate = Thing(block(0.2, 0.2, 1e-6), pose.pose(p_AB=(0, 0, 1.0)))
    shown = asking(snapshot(plate), "amodal")
    frame = nothing(view)
    frame.instance[96:144, 136:186] = 1  # two columns too many
    frame.depth_m[96:144, 136:186] = 1.0
    seen = label(shown, view, frame)
    assert (seen.px_visible[0], seen.px_all[0]) == (48 * 50, 48 * 50)
    assert seen.box_all.tolist() == [[136, 96, 50, 48]]
    assert seen.amodal is not None
    assert np.array_equal(decode(seen.amodal[0], 240, 320), frame.instance == 1)
    frame.instance[:, :176], frame.depth_m[:, :176] = 0, 0.0  # hidden but for ten columns
    seen = label(shown, view, frame)
    assert seen.px_all[0] == 48 * 50
    assert seen.visible_fraction[0] == pytest.approx(0.2)


def nothing(view: View) -> Frame:
    """An empty picture."""
    shape = (view.height, view.width)
    rgb = np.zeros((*shape, 3), np.uint8)
    return Frame(rgb, np.zeros(shape, np.float32), np.zeros(shape, np.uint16), (0.1, 10.0))


def test_what_is_behind_the_camera_is_empty_everywhere() -> None:
    view = View("camera", 320, 240, intrinsics(240, 240, 160, 120), np.eye(4))
    shown = asking(snapshot(Thing(part("gear"), at(0, 0, -0.5))), *EVERY)
    seen = label(shown, view, nothing(view))
    assert seen.amodal is not None
    assert not decode(seen.amodal[0], 240, 320).any()
    assert seen.truncation is not None
    assert (seen.px_all[0], seen.truncation[0]) == (0, 0)
    assert seen.corners_uv is not None
    assert np.isnan(seen.corners_uv).all()
    assert seen.corners_C is not None
    assert np.isfinite(seen.corners_C).all()
    assert seen.keypoints_state is not None
    assert seen.keypoints_state.tolist() == [[1, 1, 1, 1]]


def test_corners_are_those_of_the_tight_box_in_body_axes(tmp_path: Path) -> None:
    """Size 0.2 x 0.1 x 0.04, its middle off the origin; a body turned by 90 degrees about x."""
    model = of_file(tmp_path, box((0.2, 0.1, 0.04)).moved(pose.pose(p_AB=(0.1, 0.0, 0.02))))
    view = View("camera", 320, 240, intrinsics(200, 210, 150, 130, s=10), np.eye(4))
    shown = asking(snapshot(Thing(model, at(0.0, 0.1, 1.0, 90, 0, 0))), "boxes_3d")
    seen = label(shown, view, nothing(view))
    assert seen.corners_C is not None
    assert seen.corners_uv is not None
    for i in range(8):
        x, y, z = 0.2 * (i & 1), -0.05 + 0.1 * (i >> 1 & 1), 0.04 * (i >> 2 & 1)
        p = np.array([x, 0.1 - z, 1.0 + y])  # y of the body is z of the camera, z is -y
        assert seen.corners_C[0, i] == pytest.approx(p, abs=1e-8)
        u = 200 * p[0] / p[2] + 10 * p[1] / p[2] + 150
        assert seen.corners_uv[0, i] == pytest.approx((u, 210 * p[1] / p[2] + 130), abs=1e-4)


def test_what_is_not_asked_for_is_not_there(tiny: Renderer) -> None:
    things, view = crowded(0)
    shown = snapshot(*things, ground())
    frame = tiny.render(shown, view)
    plain = label(asking(shown), view, frame)
    full = label(asking(shown, *EVERY), view, frame)
    extra = {
        "amodal", "occluder", "truncation", "corners_C", "corners_uv", "keypoints_uv",
        "keypoints_state",
    }  # fmt: skip
    for name, value in vars(plain).items():
        assert (value is None) == (name in extra)
        assert name in extra or np.array_equal(value, getattr(full, name))
        assert getattr(full, name) is not None


def test_labels_through_a_bent_lens_agree_with_its_rays() -> None:
    things, view = crowded(1)
    K = np.diag([0.5, 0.5, 1.0]) @ view.K
    view = replace(view, width=160, height=120, K=K, distortion=BARREL)
    few = things[:4]
    shown = asking(snapshot(*few), "amodal", "truncation")
    frame = cast(shown, view)
    seen = label(shown, view, frame)
    assert seen.amodal is not None
    for row in range(len(few)):
        mask = decode(seen.amodal[row], 120, 160)
        assert np.sum(mask != (cast(alone(few, row), view).instance > 0)) <= 1
