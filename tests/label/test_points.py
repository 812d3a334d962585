"""Keypoints: where OpenCV projects them, visible where their own rays get through."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import pose
from simenv.label.label import label
from simenv.label.points import HIDDEN, MISSING, OUTSIDE, VISIBLE
from simenv.render.renderer import Renderer
from simenv.scene import Snapshot, View
from simenv.spec.object import Box, ObjectModel, ObjectSpec, Sphere
from tests.label.bent import BARREL, FOLDING, cast
from tests.label.build import asking, heap, part
from tests.render.build import Thing, at, block, ground, intrinsics, looking, snapshot

NAMES = ["carton_small", "mug", "bottle", "hex_nut", "tray", "bearing", "u_profile", "can"]
CLEAR_PX = 0.7  # a case counts where rays this far to all sides agree
CLEAR_M = (1.2e-3, 4e-3)  # up to the first nothing is in the way, from the second on something is


def triangles(shown: Snapshot, view: View) -> NDArray[np.float64]:
    """All faces (T, 3, 3) in the camera's frame."""
    surfaces = [shown.scene.objects[body.object].mesh for body in shown.scene.bodies]
    X_CB = np.linalg.inv(view.X_WC) @ shown.X_WB
    posed = [pose.apply(X, s.vertices)[s.faces] for X, s in zip(X_CB, surfaces, strict=True)]
    return np.concatenate(posed)


def first_z(corners: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth (P,) at which rays of directions x/z, y/z (P, 2) enter a surface; inf for none."""
    rays = np.column_stack([xy, np.ones(len(xy))]).T
    a, b, c = np.moveaxis(corners, 1, 0)
    sides = np.stack([np.cross(b, a) @ rays, np.cross(c, b) @ rays, np.cross(a, c) @ rays])
    normal = np.cross(b - a, c - a)
    along = normal @ rays
    hit = (sides >= 0).all(axis=0) & (along < 0)
    reach = np.einsum("ij,ij->i", normal, a)[:, None]
    z = np.where(hit, reach / np.where(hit, along, 1.0), np.inf)
    return np.asarray(np.where(z > 0, z, np.inf).min(axis=0))


def truth(corners: NDArray[np.float64], view: View, p_C: NDArray[np.float64]) -> int | None:
    """The state of a point inside the image, None where it is a matter of a hair."""
    shifts = [(i * CLEAR_PX, j * CLEAR_PX) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    gaps = p_C[2] - first_z(corners, p_C[:2] / p_C[2] + np.array(shifts) / view.K[0, 0])
    if gaps.max() < CLEAR_M[0]:
        return VISIBLE
    return HIDDEN if gaps.min() > CLEAR_M[1] else None


@pytest.mark.parametrize("lens", ["pinhole", "barrel"])
def test_keypoints_are_where_opencv_has_them_and_visible_where_rays_get_through(
    tiny: Renderer, lens: str
) -> None:
    clear = {VISIBLE: 0, HIDDEN: 0}
    for seed in range(5 if lens == "pinhole" else 2):
        shown = asking(snapshot(*heap(NAMES, seed, 0.15), ground()), "keypoints")
        view = looking((0.1, -0.3, 0.5), (0, 0, 0.1), intrinsics(400, 390, 150, 125))
        if lens == "barrel":
            K = np.diag([0.5, 0.5, 1.0]) @ intrinsics(400, 390, 150, 125)
            view = replace(view, width=160, height=120, K=K, distortion=BARREL)
            shown = asking(
                snapshot(*heap(["carton_small", "hex_nut", "carton_tall"] * 2, seed, 0.15)),
                "keypoints",
            )
        frame = tiny.render(shown, view) if lens == "pinhole" else cast(shown, view)
        seen, faces = label(shown, view, frame), triangles(shown, view)
        assert seen.keypoints_uv is not None
        assert seen.keypoints_state is not None
        assert seen.keypoints_state.dtype == np.uint8
        for row, X_CB in enumerate(seen.X_CB):
            named = sorted(shown.scene.objects[f"thing{row}"].spec.keypoints.items())
            points = pose.apply(X_CB, [p for _, p in named])
            expected = cv2.projectPoints(points, np.zeros(3), np.zeros(3), view.K, view.distortion)
            uv, state = seen.keypoints_uv[row], seen.keypoints_state[row]
            assert np.abs(uv[: len(named)] - expected[0].reshape(-1, 2)).max() < 1e-3
            assert np.isnan(uv[len(named) :]).all()
            assert (state[len(named) :] == MISSING).all()
            for k in range(len(named)):
                u, v = uv[k]
                inside = -0.5 <= u < view.width - 0.5 and -0.5 <= v < view.height - 0.5
                assert inside == (state[k] != OUTSIDE)
                if inside and (known := truth(faces, view, points[k])) is not None:
                    assert state[k] == known, (seed, row, named[k], uv[k])
                    clear[known] += 1
    assert min(clear.values()) >= (20 if lens == "pinhole" else 6), clear


def with_points(shape: Box | Sphere, **points: tuple[float, float, float]) -> ObjectModel:
    """A primitive with keypoints."""
    spec = ObjectSpec(
        name="thing", class_="thing", mesh=(shape,), collision=(shape,), mass_kg=0.1,
        keypoints=points,
    )  # fmt: skip
    return ObjectModel(spec)


def states(model: ObjectModel, *others: Thing, view: View | None = None) -> list[int]:
    """Of the keypoints of an object at (0, 0, 0) under a camera that looks down from 0.5 m."""
    shown = asking(snapshot(Thing(model, at(0, 0, 0)), *others), "keypoints")
    view = view or looking((0, 0, 0.5), (0, 0, 0), size=(80, 60))
    zero = replace(view, distortion=np.zeros(8) if view.distortion is None else view.distortion)
    found = label(shown, view, cast(shown, zero)).keypoints_state
    assert found is not None
    return [int(state) for state in found[0]]


def test_what_counts_as_visible() -> None:
    cube = with_points(
        Box(shape="box", size_m=(0.1, 0.1, 0.1)),
        a_top=(0.0, 0.0, 0.05),
        b_middle=(0.0, 0.0, 0.0),  # inside the material
        c_bottom=(0.0, 0.0, -0.05),
        d_above=(0.02, 0.02, 0.08),  # in free air, before the surface
        e_beside=(0.08, 0.0, 0.0),  # in free air, nothing behind it
        f_just_inside=(0.02, 0.0, 0.0492),
        g_far_away=(3.0, 0.0, 0.0),
    )
    expected = [VISIBLE, HIDDEN, HIDDEN, VISIBLE, VISIBLE, VISIBLE, OUTSIDE]
    assert states(cube) == expected
    lid = Thing(block(0.2, 0.2, 0.01), at(0, 0, 0.2))
    assert states(cube, lid) == [HIDDEN] * 6 + [OUTSIDE]


def test_points_on_a_slope_are_not_hidden_by_the_pixel_that_they_share() -> None:
    """Seen at a grazing angle, half a pixel of the surface is several millimetres of depth."""
    slab = with_points(
        Box(shape="box", size_m=(0.4, 0.4, 0.01)),
        **{f"p{k}": (0.013 * k - 0.104, 0.0171 * k - 0.137, 0.005) for k in range(17)},
    )
    low = looking((0, -1.0, 0.12), (0, 0, 0))
    assert states(slab, view=low) == [VISIBLE] * 17


def test_points_that_no_lens_can_show_have_no_pixel() -> None:
    rod = with_points(
        Box(shape="box", size_m=(0.1, 0.1, 4.0)),
        a=(0.0, 0.0, 1.9),
        b=(1.7, 0.0, -0.5),
        c=(0, 0, -2),
    )
    view = replace(
        looking((0, 0, 0.5), (0, 0, 0), intrinsics(30, 30, 40, 30), size=(80, 60)),
        distortion=FOLDING,
    )
    shown = asking(snapshot(Thing(rod, at(0, 0, 0))), "keypoints", "boxes_3d")
    seen = label(shown, view, cast(snapshot(), view))
    assert seen.keypoints_uv is not None
    assert seen.keypoints_state is not None
    assert np.isnan(seen.keypoints_uv[0, :2]).all()  # behind, and where the lens folds
    assert np.isfinite(seen.keypoints_uv[0, 2]).all()
    assert seen.keypoints_state[0].tolist() == [OUTSIDE, OUTSIDE, VISIBLE]
    assert seen.corners_uv is not None
    assert np.isnan(seen.corners_uv[0]).any(axis=1).tolist() == [False] * 4 + [True] * 4


def test_objects_without_keypoints_have_empty_rows() -> None:
    view = looking((0, 0, 0.5), (0, 0, 0), size=(80, 60))
    few = asking(snapshot(Thing(block(0.1, 0.1, 0.1), at(0, 0, 0))), "keypoints")
    seen = label(few, view, cast(few, replace(view, distortion=np.zeros(8))))
    assert seen.keypoints_uv is not None
    assert seen.keypoints_uv.shape == (1, 0, 2)
    both = Thing(part("gear"), at(0.1, 0, 0))
    mixed = asking(snapshot(Thing(block(0.1, 0.1, 0.1), at(0, 0, 0)), both), "keypoints")
    seen = label(mixed, view, cast(few, replace(view, distortion=np.zeros(8))))
    assert seen.keypoints_state is not None
    assert seen.keypoints_state[0].tolist() == [MISSING] * 4
