"""Class, normal and place on the object by pixel: analytic spheres, meshes and ray casts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from simenv import lens, pose
from simenv.label import surface
from simenv.label.normals import normals
from simenv.label.pictures import nocs_to_body, pictures
from simenv.mesh import join, quad
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Snapshot, View
from simenv.spec.object import ObjectModel, ObjectSpec
from simenv.spec.object import Sphere as SphereSpec
from tests.label.bent import BARREL, CUSHION, cast
from tests.label.build import asking, heap, part
from tests.render.build import (
    Thing,
    at,
    ball,
    block,
    ground,
    intrinsics,
    looking,
    of_file,
    snapshot,
)

NAMES = ["carton_small", "gear", "can", "hex_bolt", "mug", "knob"]
VIEW = looking((0.1, -0.3, 0.5), (0, 0, 0.1), intrinsics(280, 290, 150, 125, s=4))


def angles_deg(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between directions (..., 3)."""
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    return np.asarray(np.degrees(2 * np.arcsin(np.linalg.norm(a - b, axis=-1) / 2)))


def seen_points(view: View, frame: Frame) -> NDArray[np.float64]:
    """p_C (H, W, 3) of every pixel."""
    xy = lens.rays(view.width, view.height, view.K, view.distortion)
    return np.concatenate([xy, np.ones((*xy.shape[:2], 1))], axis=2) * frame.depth_m[..., None]


@pytest.mark.parametrize("bending", [None, BARREL, CUSHION], ids=["pinhole", "barrel", "cushion"])
def test_normals_of_balls_point_away_from_their_middles(
    tiny: Renderer, bending: NDArray[np.float64] | None
) -> None:
    places = [(-0.1, 0.0, 0.05), (0.1, 0.05, 0.08), (0.0, -0.08, 0.12)]
    shown = asking(
        snapshot(*(Thing(ball(0.04 + 0.01 * k), at(*p)) for k, p in enumerate(places)), ground()),
        "normals",
    )
    view = VIEW
    if bending is not None:
        K = np.diag([0.4, 0.4, 1.0]) @ VIEW.K
        K[0, 1] = 0.0
        view = replace(VIEW, width=128, height=96, K=K, distortion=bending)
    frame = tiny.render(shown, view) if bending is None else cast(shown, view)
    found = pictures(shown, view, frame)["normals"]
    assert found.dtype == np.int16
    p_C = seen_points(view, frame)
    X_CW = pose.inverse(view.X_WC)
    wrong = []
    for k, place in enumerate(places):
        mask = frame.instance == k + 1
        away = p_C[mask] - pose.apply(X_CW, [place])[0]
        wrong.append(angles_deg(found[mask].astype(float), away))
    assert np.mean(np.concatenate(wrong) < 1.0) >= 0.95
    assert np.concatenate(wrong).max() < 12  # at the rim a pixel of depth is a wide angle
    floor = found[(frame.instance == 0) & (frame.depth_m > 0)].astype(float)
    assert angles_deg(floor, X_CW[:3, 2]).max() < 0.01
    assert (found[frame.depth_m == 0] == 0).all()
    length = np.linalg.norm(found[frame.depth_m > 0] / 32767, axis=1)
    assert np.abs(length - 1).max() < 1e-4


def test_flat_faces_have_their_own_normal_up_to_the_edge(tiny: Renderer) -> None:
    X_WB = at(0, 0, 0.1, 30, 20, 50)
    shown = asking(snapshot(Thing(block(0.12, 0.08, 0.1), X_WB)), "normals")
    frame = tiny.render(shown, VIEW)
    found = pictures(shown, VIEW, frame)["normals"][frame.instance == 1].astype(float)
    axes = (VIEW.X_WC[:3, :3].T @ X_WB[:3, :3]).T
    off = np.min([angles_deg(found, sign * axis) for axis in axes for sign in (1, -1)], axis=0)
    assert off.max() < 0.01
    # Of the face that is seen there: the plane through the point.
    p_B = pose.apply(pose.inverse(X_WB) @ VIEW.X_WC, seen_points(VIEW, frame)[frame.instance == 1])
    share = np.abs(p_B) / (0.06, 0.04, 0.05)
    clear = np.sort(share, axis=1)[:, 1] < 0.98
    face = np.argmax(share, axis=1)
    n_B = found @ (VIEW.X_WC[:3, :3].T @ X_WB[:3, :3])
    assert np.array_equal(np.argmax(np.abs(n_B), axis=1)[clear], face[clear])


@pytest.mark.parametrize("seed", [0, 1])
def test_normals_of_parts_follow_the_slope_of_the_picture_s_depth(
    tiny: Renderer, seed: int
) -> None:
    """On flat-shaded places the shading normal is the geometric one, which depth shows as well."""
    shown = asking(snapshot(*heap(NAMES, seed), ground()), "normals")
    frame = tiny.render(shown, VIEW)
    found = pictures(shown, VIEW, frame)["normals"].astype(float)
    p = seen_points(VIEW, frame)
    slope = np.cross(p[2:, 1:-1] - p[:-2, 1:-1], p[1:-1, 2:] - p[1:-1, :-2])
    there = np.linalg.norm(slope, axis=2) > 0
    same = [frame.instance[1:-1, 1:-1] == part for part in (
        frame.instance[2:, 1:-1], frame.instance[:-2, 1:-1],
        frame.instance[1:-1, 2:], frame.instance[1:-1, :-2],
    )]  # fmt: skip
    inner = np.all(same, axis=0) & there & (frame.instance[1:-1, 1:-1] > 0)
    off = angles_deg(found[1:-1, 1:-1][inner], slope[inner])
    assert np.median(off) < 3
    assert np.mean(off < 20) > 0.85  # the rest are creases
    assert (np.linalg.norm(found[frame.instance > 0], axis=1) > 32700).all()


def test_normals_come_out_the_same_in_small_pieces(
    tiny: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = snapshot(*heap(NAMES, 2), ground())
    frame = tiny.render(shown, VIEW)
    whole = normals(shown, VIEW, frame)
    monkeypatch.setattr(surface, "CHUNK", 5000)
    assert np.array_equal(normals(shown, VIEW, frame), whole)


def test_the_normals_of_a_part_are_the_same_with_other_surfaces_around(tiny: Renderer) -> None:
    """Parts in the lower right of the picture alone, and with a floor that fills it."""
    view = looking((-0.12, 0.1, 0.6), (-0.12, 0.1, 0.1), intrinsics(280, 290, 150, 125))
    things = heap(NAMES, 3, 0.04)
    frame = tiny.render(snapshot(*things), view)
    assert np.argwhere(frame.instance).min(axis=0).min() > 60
    bare = normals(snapshot(*things), view, frame)
    filled = replace(frame, depth_m=np.where(frame.instance > 0, frame.depth_m, np.float32(0.6)))
    full = normals(snapshot(*things, ground()), view, filled)
    parts = frame.instance > 0
    assert np.array_equal(bare[parts], full[parts])


def test_a_floor_that_passes_under_the_camera_has_normals_everywhere() -> None:
    view = View("camera", 80, 60, intrinsics(40, 40, 40, 30), np.eye(4))
    floor = Thing(block(50, 50, 0.1), pose.from_rpy_deg((90, 0, 0), (0, 0.55, 0)), floor=True)
    shown = asking(snapshot(floor), "normals")  # half a metre below, to both sides of z = 0
    frame = cast(shown, replace(view, distortion=np.zeros(8)))
    found = pictures(shown, view, frame)["normals"]
    assert (found[33:] == (0, -32767, 0)).all()
    assert (found[:30] == 0).all()


def test_a_sheet_seen_from_behind_shows_its_back(tmp_path: Path) -> None:
    sheet = of_file(tmp_path, quad(0.2, 0.2))
    view = View("camera", 80, 60, intrinsics(80, 80, 40, 30), np.eye(4))
    for turn, normal in ((0, (0, 0, -32767)), (180, (0, 0, -32767))):
        shown = asking(snapshot(Thing(sheet, at(0, 0, 0.5, turn, 0, 0))), "normals")
        depth, instance = np.zeros((60, 80), np.float32), np.zeros((60, 80), np.uint16)
        depth[20:40, 30:50], instance[20:40, 30:50] = 0.5, 1
        frame = Frame(np.zeros((60, 80, 3), np.uint8), depth, instance, (0.1, 1.0))
        found = pictures(shown, view, frame)["normals"]
        assert (found[20:40, 30:50] == normal).all()


def test_of_several_surfaces_on_a_ray_the_one_at_the_picture_s_depth_counts(tmp_path: Path) -> None:
    """Two sheets of one body, one behind the other, tilted differently."""
    near, far = at(0, 0, 0, 200, 0, 0), at(0, 0, 0.1, 160, 0, 0)
    both = of_file(tmp_path, join(quad(0.4, 0.4).moved(near), quad(0.4, 0.4).moved(far)))
    view = View("camera", 80, 60, intrinsics(80, 80, 40, 30), np.eye(4))
    shown = asking(snapshot(Thing(both, at(0, 0, 0.5))), "normals")
    rays = lens.rays(80, 60, view.K)
    instance = np.zeros((60, 80), np.uint16)
    instance[20:40, 30:50] = 1
    for X_BS in (near, far):
        normal = X_BS[:3, 2]
        z = normal @ (X_BS[:3, 3] + (0, 0, 0.5)) / (rays @ normal[:2] + normal[2])
        depth = np.where(instance > 0, z, 0.0).astype(np.float32)
        frame = Frame(np.zeros((60, 80, 3), np.uint8), depth, instance, (0.1, 1.0))
        found = pictures(shown, view, frame)["normals"][instance > 0].astype(float)
        assert angles_deg(found, normal).max() < 0.01


def drawn(frame: Frame, **channels: NDArray[np.float32]) -> Frame:
    """The frame of a renderer that draws more."""
    return replace(frame, **channels)  # type: ignore[arg-type]


def test_what_the_renderer_drew_is_stored_as_it_is(tiny: Renderer) -> None:
    shown = asking(snapshot(*heap(NAMES[:2], 0), ground()), "normals", "nocs")
    frame = tiny.render(shown, VIEW)
    made = pictures(shown, VIEW, frame)
    normal = np.zeros((240, 320, 3), np.float32)
    normal[..., 2] = -1
    coordinates = np.zeros((240, 320, 3), np.float32)
    coordinates[frame.instance == 1] = (0.045, 0.03, -0.02)  # a corner of the carton
    given = pictures(shown, VIEW, drawn(frame, normals=normal, coordinates=coordinates))
    assert (given["normals"] == (0, 0, -32767)).all()
    diagonal = np.linalg.norm((0.09, 0.06, 0.04))
    expected = np.array((0.045, 0.03, -0.02)) / diagonal + 0.5
    assert np.abs(given["nocs"][frame.instance == 1] / 65535 - expected).max() < 1e-4
    assert not np.array_equal(made["nocs"], given["nocs"])


def distance(points: NDArray[np.float64], triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """From each of the points (P, 3) to the nearest of triangles (T, 3, 3), (P,)."""
    pairs = np.tile(triangles, (len(points), 1, 1)), np.repeat(points, len(triangles), axis=0)
    closest = trimesh.triangles.closest_point(*pairs)  # type: ignore[no-untyped-call]
    away = np.linalg.norm(closest - pairs[1], axis=1)
    return np.asarray(away.reshape(len(points), len(triangles)).min(axis=1))


@pytest.mark.parametrize("bending", [None, BARREL], ids=["pinhole", "barrel"])
def test_nocs_lead_back_to_the_surface(tiny: Renderer, bending: NDArray[np.float64] | None) -> None:
    shown = asking(snapshot(*heap(NAMES, 1), ground()), "nocs")
    view = VIEW
    if bending is not None:
        shown = asking(snapshot(*heap(["carton_small", "hex_nut"], 1)), "nocs")
        K = intrinsics(120, 120, 63, 50)
        view = replace(VIEW, width=128, height=96, K=K, distortion=bending)
    frame = tiny.render(shown, view) if bending is None else cast(shown, view)
    found = pictures(shown, view, frame)["nocs"]
    assert found.dtype == np.uint16
    assert (found[frame.instance == 0] == 0).all()
    for body in shown.scene.bodies:
        mask = frame.instance == body.id
        if body.id == 0 or mask.sum() < 50:
            continue
        mesh = shown.scene.objects[body.object].mesh
        low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
        p_B = nocs_to_body(found[mask], (low + high) / 2, float(np.linalg.norm(high - low)))
        away = distance(p_B[:: max(1, len(p_B) // 40)], mesh.vertices[mesh.faces])
        assert away.max() < 3e-4, body.object


def test_nocs_fill_the_unit_cube_along_the_diagonal() -> None:
    corners = np.array([[-0.3, -0.2, -0.1], [0.3, 0.2, 0.1]]) + 0.05
    diagonal = float(np.linalg.norm(corners[1] - corners[0]))
    unit = (corners - corners.mean(axis=0)) / diagonal + 0.5
    assert (unit >= 0).all()
    assert (unit <= 1).all()
    assert np.linalg.norm(unit[1] - unit[0]) == pytest.approx(1.0)
    back = nocs_to_body(np.rint(unit * 65535).astype(np.uint16), corners.mean(axis=0), diagonal)
    assert np.abs(back - corners).max() < diagonal / 65535


def named(class_: str, radius: float) -> ObjectModel:
    """A ball of a class."""
    shape = (SphereSpec(shape="sphere", radius_m=radius),)
    return ObjectModel(
        ObjectSpec(name="thing", class_=class_, mesh=shape, collision=shape, mass_kg=0.1)
    )


def test_semantic_numbers_are_places_in_the_scene_s_classes(tiny: Renderer) -> None:
    classes = ["pear", "apple", "pear", "fig"]
    things = [Thing(named(c, 0.04), at(0.1 * k - 0.15, 0, 0.1)) for k, c in enumerate(classes)]
    shown = asking(snapshot(*things, ground()), "semantic")
    known = ("apple", "banana", "fig", "pear")
    shown = replace(shown, scene=replace(shown.scene, classes=known))
    frame = tiny.render(shown, VIEW)
    found = pictures(shown, VIEW, frame)["semantic"]
    assert found.dtype == np.uint16
    for k, class_ in enumerate(classes):
        assert (frame.instance == k + 1).sum() > 100
        assert (found[frame.instance == k + 1] == 1 + known.index(class_)).all()
    assert (found[frame.instance == 0] == 0).all()


def test_only_what_is_asked_for_is_made(tiny: Renderer) -> None:
    shown = snapshot(*heap(NAMES[:1], 0))
    frame = tiny.render(shown, VIEW)

    def made(*labels: str) -> set[str]:
        asked: Snapshot = asking(shown, *labels)
        return set(pictures(asked, VIEW, frame))

    assert made() == set()
    assert made("amodal", "nocs") == {"nocs"}
    assert made("semantic", "normals", "nocs", "flow") == {"semantic", "normals", "nocs"}


def test_a_part_keeps_its_nocs_when_it_turns(tiny: Renderer) -> None:
    """The corner of a carton has one place on it, wherever the carton lies."""
    places = []
    for yaw in (0, 120, 240):
        X_WB = at(0.02, 0.01, 0.1, 0, 0, yaw)
        shown = asking(snapshot(Thing(part("carton_small"), X_WB)), "nocs")
        view = looking((0, -0.01, 0.6), (0, 0, 0.1))
        found = pictures(shown, view, tiny.render(shown, view))["nocs"]
        spot = pose.apply(pose.inverse(view.X_WC) @ X_WB, [(0.02, 0.01, 0.02)])[0]
        u, v = np.rint(lens.project(spot, view.K)).astype(int)
        places.append(found[v, u] / 65535)
    assert np.ptp(places, axis=0).max() < 0.02  # a pixel is 2.2 mm, the diagonal 115 mm
