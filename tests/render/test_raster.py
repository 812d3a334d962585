"""The raster renderer's labels: where surfaces land, how far they are, which way they face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from simenv import pose
from simenv.mesh import box, join
from simenv.mesh import sphere as sphere_mesh
from simenv.render.raster import RasterRenderer
from simenv.render.renderer import Channel, Frame, Renderer
from simenv.render.surface import Surface
from simenv.scene import Snapshot, View
from simenv.spec.object import Box
from tests.render.build import (
    Thing,
    at,
    ball,
    block,
    can,
    ground,
    intrinsics,
    looking,
    of_primitives,
    snapshot,
)
from tests.render.judge import cast, iou, rays_of

pytestmark = pytest.mark.egl
Array = NDArray[np.float64]
NORMALS: tuple[Channel, ...] = ("normals",)
COORDINATES: tuple[Channel, ...] = ("coordinates",)
ALL = NORMALS + COORDINATES
MODELS = [ball(0.05), can(0.03, 0.1), block(0.1, 0.06, 0.04), can(0.05, 0.02)]
CAMERAS = {
    "centred": (intrinsics(300, 300, 159.5, 119.5), (320, 240)),
    "offset": (intrinsics(300, 300, 131.3, 140.8), (320, 240)),
    "oblong_pixels": (intrinsics(240, 340, 160.2, 118.0), (320, 240)),
    "skewed": (intrinsics(300, 300, 159.5, 119.5, s=25.0), (320, 240)),
    "far_off_axis": (intrinsics(300, 300, -90.0, 119.5), (320, 240)),
    "portrait": (intrinsics(260, 320, 120.0, 210.0, s=-18.0), (260, 401)),
}


@pytest.fixture(scope="module")
def raster() -> Iterator[RasterRenderer]:
    """One for all tests here: every one of them is also a test that history does not matter."""
    with RasterRenderer() as renderer:
        yield renderer


@pytest.fixture(params=list(CAMERAS))
def view(request: pytest.FixtureRequest) -> View:
    """Cameras from plain to odd, a metre above the ground."""
    K, size = CAMERAS[request.param]
    return looking((0, 0, 1), (0, 0, 0), K, size)


def behind(view: View, z: float) -> Array:
    """The point (3,) at depth z that the middle of the image shows, camera frame."""
    middle = ((view.width - 1) / 2, (view.height - 1) / 2, 1.0)
    return np.asarray(z * np.linalg.solve(view.K, middle))


def pile(seed: int) -> Snapshot:
    """Six bodies at random angles on the ground."""
    rng = np.random.default_rng(seed)
    things = [
        Thing(
            MODELS[row % 4],
            pose.from_quaternion(
                rng.normal(size=4), (0.13 * (row % 3) - 0.1, 0.16 * (row // 3), 0.07)
            ),
            [None, "wood", "checker"][row % 3],
        )
        for row in range(6)
    ]
    return snapshot(*things, ground())


def same(a: Frame, b: Frame) -> bool:
    """Whether two frames are bit-identical."""
    pictures = ("rgb", "depth_m", "instance", "normals", "coordinates")
    return a.near_far_m == b.near_far_m and all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in pictures
        if getattr(a, name) is not None or getattr(b, name) is not None
    )


def test_depth_of_a_wall_one_metre_away_is_one_metre(raster: RasterRenderer, view: View) -> None:
    frame = raster.render(snapshot(Thing(block(4, 4, 0.5), at(0, 0, -0.25))), view)
    assert frame.depth_m.dtype == np.float32
    assert frame.instance.dtype == np.uint16
    assert frame.depth_m.shape == frame.instance.shape == frame.rgb.shape[:2]
    assert np.abs(frame.depth_m - 1).max() < 3e-6
    assert (frame.instance == 1).all()


def test_depth_of_a_slanted_wall_follows_its_plane(raster: RasterRenderer, view: View) -> None:
    view = replace(view, X_WC=pose.look_at((0, 0, 1.2), (0, 0, 0)))
    X_WB = at(0.1, 0, -0.25, 20, 35, 10)
    frame = raster.render(snapshot(Thing(block(9, 9, 0.1), X_WB)), view)
    X_CB = pose.inverse(view.X_WC) @ X_WB
    normal, point = X_CB[:3, 2], X_CB[:3, 3] + 0.05 * X_CB[:3, 2]
    z = (normal @ point) / (rays_of(view) @ normal)
    p_B = pose.apply(pose.inverse(X_CB), (rays_of(view) * z[..., None]).reshape(-1, 3))
    wall = ((np.abs(p_B[:, :2]) < 4.49).all(axis=1) & (z.ravel() > 0)).reshape(z.shape)
    assert wall.mean() > 0.5
    assert np.abs(frame.depth_m / z - 1)[wall].max() < 3e-6


def test_the_outline_of_a_ball_is_its_tangent_cone(raster: RasterRenderer, view: View) -> None:
    radius, p_CB = 0.1, behind(view, 0.7)
    shown = snapshot(Thing(ball(radius), view.X_WC @ pose.pose(None, p_CB)))
    rays = rays_of(view)
    expected = (rays @ p_CB) ** 2 > (p_CB @ p_CB - radius**2) * (rays**2).sum(axis=2)
    mask = raster.render(shown, view).instance == 1
    # A ring of 48 corners has 0.3 % less area than its circle, and so has its outline.
    assert mask.sum() == pytest.approx(expected.sum(), rel=0.006)
    assert np.argwhere(mask).mean(axis=0) == pytest.approx(
        np.argwhere(expected).mean(axis=0), abs=0.1
    )
    assert not (mask & ~expected).any()


@pytest.mark.parametrize("name", ["skewed", "portrait"])
def test_masks_and_depth_agree_with_the_ray_caster(raster: RasterRenderer, name: str) -> None:
    K, (width, height) = CAMERAS[name]
    view = looking(
        (-0.1, -0.3, 0.55), (0.03, 0.07, 0.06), np.diag([2.0, 2, 1]) @ K, (2 * width, 2 * height)
    )
    shown = pile(3)
    frame, truth = raster.render(shown, view), cast(shown, view)
    ious = []
    for body in range(1, 7):
        mask, true_mask = frame.instance == body, truth.instance == body
        if true_mask.sum() > 2000:
            ious.append(iou(mask, true_mask))
            error = np.abs(frame.depth_m - truth.depth_m)[mask & true_mask]
            assert np.median(error) <= 5e-6
    assert len(ious) >= 4
    assert np.mean(ious) >= 0.998
    assert np.min(ious) >= 0.985
    floor = (frame.instance == 0) & (truth.instance == 0)
    assert np.median(np.abs(frame.depth_m - truth.depth_m)[floor]) <= 5e-6
    near, far = frame.near_far_m
    seen = frame.depth_m[frame.depth_m > 0]
    assert near <= seen.min() <= seen.max() <= far


def test_it_agrees_with_the_other_renderers(
    raster: RasterRenderer, egl: Renderer, tiny: Renderer
) -> None:
    K = intrinsics(640, 620, 301.0, 250.0, s=9.0)
    view = looking((-0.2, -0.4, 0.6), (0.03, 0.07, 0.06), K, (640, 480))
    shown = pile(5)
    frame = raster.render(shown, view)
    for other in (egl.render(shown, view), tiny.render(shown, view)):
        assert frame.near_far_m == other.near_far_m
        for body in range(1, 7):
            mask, other_mask = frame.instance == body, other.instance == body
            assert other_mask.sum() < 400 or iou(mask, other_mask) >= 0.99
        assert np.median(np.abs(frame.depth_m - other.depth_m)) <= 2e-4


def test_planes_follow_the_law_of_the_other_renderers(
    raster: RasterRenderer, tiny: Renderer
) -> None:
    """Bodies in view, in part, behind the eye and around it; views that set a plane."""
    shell = Thing(ball(0.6), at(0, 0, 0.1))
    above = Thing(MODELS[0], at(0, 0, 5))
    scenes = [pile(7), snapshot(shell, ground()), snapshot(above), snapshot()]
    views = [
        looking((0, 0, 0.6), (0, 0, 0), size=(96, 64)),
        looking((0.1, 0.05, 0.09), (0, 0.1, 0.05), size=(96, 64)),
        looking((0.3, 0.3, 0.4), (0.1, 0, 0), size=(96, 64), near_m=0.2, far_m=1.1),
    ]
    for shown in scenes:
        for view in views:
            ours, theirs = raster.render(shown, view), tiny.render(shown, view)
            assert ours.near_far_m == theirs.near_far_m


def test_normals_of_a_ball_point_away_from_its_centre(raster: RasterRenderer, view: View) -> None:
    p_CB = behind(view, 0.7)
    X_WB = view.X_WC @ pose.pose(at(0, 0, 0, 30, 50, 70)[:3, :3], p_CB)
    frame = raster.render(snapshot(Thing(ball(0.1), X_WB), ground()), view, NORMALS)
    assert frame.normals is not None
    assert frame.normals.dtype == np.float32
    assert frame.coordinates is None
    mask = frame.instance == 1
    points = rays_of(view)[mask] * frame.depth_m[mask][:, None]
    outward = (points - p_CB) / np.linalg.norm(points - p_CB, axis=1, keepdims=True)
    normals = frame.normals[mask]
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 1e-5
    degrees = np.degrees(np.arccos(np.clip((normals * outward).sum(axis=1), -1, 1)))
    assert np.mean(degrees < 1.0) >= 0.95
    floor = (frame.instance == 0) & (frame.depth_m > 0)
    up_C = view.X_WC[:3, :3].T @ (0, 0, 1)
    assert np.abs(frame.normals[floor] - up_C).max() < 1e-5


def distance_to(mesh_triangles: Array, points: Array) -> Array:
    """Distance (P,) of points to the nearest triangle (T, 3, 3) that they lie over."""
    a, b, c = (mesh_triangles[:, i] for i in range(3))
    normal = np.cross(b - a, c - a)
    area2 = np.linalg.norm(normal, axis=1)
    unit = normal / area2[:, None]
    height = np.einsum("ptk,tk->pt", points[:, None] - a[None], unit)
    foot = points[:, None] - height[..., None] * unit[None]
    inside = np.ones(height.shape, bool)
    for p, q in ((a, b), (b, c), (c, a)):
        across = np.cross(q - p, unit)
        edge = np.einsum("ptk,tk->pt", foot - p[None], across)
        inside &= edge <= 3e-4 * np.linalg.norm(across, axis=1)
    return np.asarray(np.where(inside, np.abs(height), np.inf).min(axis=1))


def test_coordinates_are_the_points_of_the_body_that_pixels_show(
    raster: RasterRenderer, view: View
) -> None:
    view = replace(view, X_WC=pose.look_at((-0.1, -0.3, 0.55), (0.03, 0.07, 0.06)))
    shown = pile(3)
    frame = raster.render(shown, view, COORDINATES)
    assert frame.coordinates is not None
    assert (frame.coordinates[frame.instance == 0] == 0).all()
    X_CW, rng = pose.inverse(view.X_WC), np.random.default_rng(0)
    for row, body in enumerate(shown.scene.bodies[:6]):
        mask = frame.instance == body.id
        p_B = frame.coordinates[mask].astype(np.float64)
        if len(p_B) < 50:
            continue
        p_C = pose.apply(X_CW @ shown.X_WB[row], p_B)
        assert np.abs(p_C[:, 2] - frame.depth_m[mask]).max() < 2e-5
        assert np.abs(p_C[:, :2] / p_C[:, 2:] - rays_of(view)[mask][:, :2]).max() < 2e-5
        mesh = shown.scene.objects[body.object].mesh
        some = rng.choice(p_B, 60)
        assert distance_to(mesh.vertices[mesh.faces], some).max() < 3e-4


def test_what_is_asked_for_changes_nothing_else(raster: RasterRenderer) -> None:
    view = looking((-0.1, -0.3, 0.55), (0.03, 0.07, 0.06), size=(200, 150))
    plain, full = raster.render(pile(3), view), raster.render(pile(3), view, ALL)
    assert plain.normals is None
    assert plain.coordinates is None
    assert same(plain, replace(full, normals=None, coordinates=None))


def test_nothing_is_nothing(raster: RasterRenderer) -> None:
    view = looking((0, 0, 1), (0, 0, 0), size=(40, 30))
    for shown in (snapshot(backdrop=(0.2, 0.4, 1.0)), snapshot(ground(), backdrop=(0.2, 0.4, 1.0))):
        away = replace(view, X_WC=pose.look_at((0, 0, 1), (0, 0.3, 2)))
        frame = raster.render(shown, away, ALL)
        assert frame.normals is not None
        assert frame.coordinates is not None
        for picture in (frame.depth_m, frame.instance, frame.normals, frame.coordinates):
            assert not picture.any()
        assert (frame.rgb == (51, 102, 255)).all()


def test_the_same_picture_comes_back_bit_for_bit_whatever_was_drawn_before(
    raster: RasterRenderer,
) -> None:
    view = looking((-0.1, -0.3, 0.55), (0.03, 0.07, 0.06), size=(200, 150))
    small = replace(view, width=120, height=90)
    first = [raster.render(pile(seed), view, ALL) for seed in range(4)]
    for seed in (2, 0, 3, 3, 1):
        raster.render(pile(seed + 10), small)
        assert same(raster.render(pile(seed), view, ALL), first[seed])
    together = raster.begin(pile(1), [small, view, small], ALL)()
    assert same(together[1], first[1])
    assert same(together[0], together[2])
    with RasterRenderer() as fresh:
        assert same(fresh.render(pile(2), view, ALL), first[2])


def test_the_scene_alone_decides_who_wins_where_surfaces_coincide(raster: RasterRenderer) -> None:
    slab, plank = block(0.2, 0.2, 0.05), block(0.2, 0.21, 0.05)
    view = looking((0, 0, 0.6), (0, 0, 0), size=(160, 120))
    for second in (slab, plank):
        tied = snapshot(Thing(slab, at(0.03, 0.02, 0.06)), Thing(second, at(-0.04, 0.01, 0.06)))
        frames = []
        for past in ([plank] * 3, [slab] * 2, [plank, slab], [slab, plank, slab]):
            row = [Thing(model, at(0.01 * k, 0, 0)) for k, model in enumerate(past)]
            with RasterRenderer() as fresh:
                fresh.render(snapshot(*row), view)
                frames.append(fresh.render(tied, view))
        assert all(same(frame, frames[0]) for frame in frames)
        assert same(raster.render(tied, view), frames[0])


def test_pending_pictures_can_be_fetched_in_any_order(raster: RasterRenderer) -> None:
    view = looking((-0.1, -0.3, 0.55), (0.03, 0.07, 0.06), size=(200, 150))
    other = replace(view, width=150, height=110)
    expected = [[raster.render(pile(seed), v) for v in (view, other)] for seed in range(3)]
    begun = [raster.begin(pile(seed), [view, other]) for seed in range(3)]
    raster.begin(pile(8), [view])  # never fetched
    for seed in (2, 0, 1, 2):  # the last for the second time
        for frame, wanted in zip(begun[seed](), expected[seed], strict=True):
            assert same(frame, wanted)


@pytest.mark.parametrize("largest", [None, (700, 500)], ids=["whole", "tiles"])
def test_a_large_picture_is_the_small_one_with_finer_pixels(
    raster: RasterRenderer, monkeypatch: pytest.MonkeyPatch, largest: tuple[int, int] | None
) -> None:
    if largest is not None:
        monkeypatch.setattr(raster._painter, "_largest_tile", largest)
    K = intrinsics(310, 290, 150.0, 125.0, s=6.0)
    # Pixel centres: u' = 5 u + 2 shows the same ray as u.
    K_large = np.array([[5.0, 0, 2], [0, 5, 2], [0, 0, 1]]) @ K
    small = raster.render(pile(4), looking((0.2, -0.7, 0.8), (0, 0, 0), K), ALL)
    view = looking((0.2, -0.7, 0.8), (0, 0, 0), K_large, size=(1600, 1200))
    large = raster.render(pile(4), view, ALL)
    assert large.rgb.shape == (1200, 1600, 3)
    assert np.sum(large.instance[2::5, 2::5] != small.instance) <= 3
    assert np.sum(np.abs(large.depth_m[2::5, 2::5] - small.depth_m) > 2e-6) <= 3
    assert large.coordinates is not None
    assert small.coordinates is not None
    off = np.abs(large.coordinates[2::5, 2::5] - small.coordinates).max(axis=2)
    assert np.sum(off > 1e-5) <= 3


@pytest.mark.parametrize("supersample", [2, 3])
def test_supersampling_smooths_colour_and_leaves_labels(
    raster: RasterRenderer, supersample: int
) -> None:
    view = looking((-0.1, -0.3, 0.55), (0.03, 0.07, 0.06), size=(160, 121))
    lonely = snapshot(
        Thing(ball(0.06), at(0, 0, 0.06), color=(0.1, 0.1, 0.1)), backdrop=(1.0, 0.6, 0.2)
    )
    with RasterRenderer(supersample=supersample) as smooth:
        for shown in (pile(3), lonely):
            plain, fine = raster.render(shown, view, ALL), smooth.render(shown, view, ALL)
            assert same(replace(fine, rgb=plain.rgb), plain)
            assert not np.array_equal(fine.rgb, plain.rgb)
            assert abs(fine.rgb.mean() - plain.rgb.mean()) < 1.0
    inside = np.zeros(fine.instance.shape, bool)  # of the last: a dark ball before a bright sky
    inside[1:-1, 1:-1] = True
    level = fine.rgb[..., 0].astype(int)
    between = inside & (level > 120) & (level < 230)
    assert between.sum() > 30, "pixels on the edge are a mixture"
    edges = np.zeros_like(inside)
    ball_mask = fine.instance == 1
    for axis in (0, 1):
        for step in (-1, 1):
            edges |= np.roll(ball_mask, step, axis) != ball_mask
    assert edges[between].all()
    assert (fine.rgb[~ball_mask & ~edges] == (255, 153, 51)).all()


def test_precision_does_not_depend_on_where_the_cell_stands(raster: RasterRenderer) -> None:
    view = looking((-0.1, -0.3, 0.55), (0.03, 0.07, 0.06), size=(200, 150))
    here = pile(3)
    move = at(250.0, -1000.0, 40.0)
    there = replace(here, X_WB=move @ here.X_WB)
    a = raster.render(here, view)
    b = raster.render(there, replace(view, X_WC=move @ view.X_WC))
    assert np.sum(a.instance != b.instance) <= 3
    assert np.median(np.abs(a.depth_m - b.depth_m)) < 1e-6
    assert np.abs(a.rgb.astype(int) - b.rgb).mean() < 0.5


def test_back_faces_are_not_drawn(raster: RasterRenderer) -> None:
    """From inside a box the eye sees through its walls, as with the other renderers."""
    room = snapshot(Thing(block(1, 1, 1), at(0, 0, 0)), Thing(ball(0.1), at(0, 0, 2)))
    frame = raster.render(room, looking((0, 0, 0), (0, 0, 1), size=(60, 60)))
    assert set(np.unique(frame.instance)) == {0, 2}


def test_ids_beyond_a_byte_are_kept(raster: RasterRenderer) -> None:
    crumb = block(0.01, 0.01, 0.01)
    places = [(0.02 * column, 0.02 * row) for row in range(15) for column in range(20)]
    shown = snapshot(*(Thing(crumb, at(x, y, 0)) for x, y in places))
    bodies = tuple(replace(body, id=body.id + 60000) for body in shown.scene.bodies)
    shown = replace(shown, scene=replace(shown.scene, bodies=bodies))
    frame = raster.render(shown, looking((0.2, 0.15, 0.6), (0.2, 0.15, 0), size=(320, 240)))
    assert set(np.unique(frame.instance)) == {0, *range(60001, 60301)}


def test_hulls_are_the_surfaces_that_planes_enclose() -> None:
    """What the planes are fitted to holds what is drawn; see tests/render/test_camera.py."""
    mesh = join(sphere_mesh(0.1), box((0.3, 0.1, 0.1)))
    surface = Surface.of(mesh)
    assert surface.hollow
    assert not Surface.of(of_primitives(Box(shape="box", size_m=(1, 1, 1))).mesh).hollow
    assert (surface.hull.reshape(-1, 3).min(axis=0) <= mesh.vertices.min(axis=0) + 1e-12).all()
