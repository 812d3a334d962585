"""The page of a file of grasps is whole, true to the file, and shows how the gripper holds."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simenv import lens, mesh, pose
from simenv.dataset.grasps import GraspFile, read_grasps
from simenv.errors import InputError
from simenv.grasp.model import GraspSet
from simenv.spec.load_robot import load_robot
from simenv.spec.robot import Jaw
from simenv.view import portrait
from simenv.view.glyph import MOST, STEPS, UNKNOWN, shown, swarm, tint
from simenv.view.grasps import best_first, write_grasps_page
from simenv.view.grip import PART, Grip, frame_view, surface
from simenv.view.portrait import portraits
from tests.dataset.grasps import OPENINGS_M, box_file, box_grasps
from tests.dataset.grasps import surface as box_surface
from tests.view.html import Page

GRIPPERS = (*OPENINGS_M, "cup")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of fewer pixels, in a fraction of the time."""
    monkeypatch.setattr(portrait, "SIZE", (200, 170))
    monkeypatch.setattr(portrait, "SWARM_SIZE", (180, 140))


def grip(gripper: str = "jaw85", grasps: GraspSet | None = None) -> Grip:
    box = box_surface()
    grasps = box_grasps(6, gripper=gripper) if grasps is None else grasps
    file = GraspFile(grasps, box.vertices.astype(np.float32), box.faces)
    return Grip(file, load_robot(gripper).hand)


@pytest.mark.parametrize("gripper", GRIPPERS)
def test_the_page_is_one_file_and_says_what_the_file_says(tmp_path: Path, gripper: str) -> None:
    path = box_file(tmp_path / "a.h5", box_grasps(6, gripper=gripper))
    out = write_grasps_page(path, count=2)
    assert out == tmp_path / "a.h5.view.html"
    grasps, html = read_grasps(path).grasps, out.read_text()
    page = Page.of(html)
    images = page.attributes("img")
    assert len(images) == 6  # two of all grasps, two best, two worst
    assert all(image["src"].startswith("data:image/webp;base64,") for image in images)
    assert "http" not in html
    assert "url(" not in html
    order = best_first(grasps)
    rows = [*order[:2], *order[:-3:-1]]
    alts = [f"{gripper} holding carton_small, grasp {row}" for row in rows]
    assert [image["alt"] for image in images[2:]] == alts
    for row in rows:
        assert f"held {grasps.successes[row]} of 20" in page.said
    held = 100 * grasps.successes.sum() / grasps.trials.sum()
    assert f"6 grasps in 120 trials, of which {held:.0f} % held." in page.said
    counts = [int((grasps.outcome == code).sum()) for code in range(6)]
    assert [int(found) for found in re.findall(r"(\d+) · \d+ %", page.said)] == counts


def test_the_same_file_gives_the_same_page(tmp_path: Path) -> None:
    path = box_file(tmp_path / "a.h5", box_grasps(3))
    one, two = (
        write_grasps_page(path, tmp_path / name, count=1) for name in ("one.html", "two.html")
    )
    assert one.read_bytes() == two.read_bytes()


def test_grasps_that_nobody_tried_are_shown_by_quality(tmp_path: Path) -> None:
    grasps = box_grasps(3, trials=0)
    out = write_grasps_page(box_file(tmp_path / "a.h5", grasps), count=3)
    said = Page.of(out.read_text()).said
    assert "3 grasps, none of them tried." in said
    assert said.count("not tried") == 3
    assert "Grasps, best first" in said
    assert "No grasp was tried." in said
    assert "grasps by quality" in said
    assert "nan" not in said
    assert best_first(grasps).tolist() == np.argsort(-grasps.quality).tolist()


def test_a_file_without_grasps_has_a_page(tmp_path: Path) -> None:
    out = write_grasps_page(box_file(tmp_path / "a.h5", box_grasps(0)))
    page = Page.of(out.read_text())
    assert "The file holds none." in page.said
    assert len(page.attributes("img")) == 2


def test_many_trials_count_more_than_few() -> None:
    outcome = np.full((4, 20), -1, np.int8)
    outcome[0, :2] = 0  # 2 of 2
    outcome[1] = 0  # 20 of 20
    outcome[2, :2] = 1  # 0 of 2
    outcome[3] = 1  # 0 of 20
    grasps = replace(box_grasps(4), outcome=outcome)
    assert best_first(grasps).tolist() == [1, 0, 2, 3]


def test_of_two_equals_the_one_that_slips_less_comes_first() -> None:
    slip = np.array([2e-3, np.nan, 1e-3], np.float32)
    grasps = replace(box_grasps(3), outcome=np.zeros((3, 5), np.int8), slip_m=slip)
    assert best_first(grasps).tolist() == [2, 0, 1]


@pytest.mark.parametrize("gripper", OPENINGS_M)
def test_the_pads_touch_the_part_from_both_sides(gripper: str) -> None:
    own = grip(gripper)
    assert isinstance(own.hand.gripper, Jaw)
    for width_m in (0.02, 0.06):
        X_GL = own.links(width_m)
        for name in own.hand.gripper.pads:
            inner = min(
                float(np.abs(hull_G[:, 0]).min())
                for shape in own.hand.urdf.link(name).collisions
                for hull in shape.hulls()
                for hull_G in [pose.apply(X_GL[name], hull)]
            )
            assert inner == pytest.approx(width_m / 2, abs=2e-4)


@pytest.mark.parametrize("gripper", GRIPPERS)
def test_the_contacts_are_in_the_picture(gripper: str) -> None:
    own = grip(gripper)
    for row in range(6):
        snapshot, view = own.holding(row), own.view(row, width=200, height=170)
        X_CB = pose.inverse(view.X_WC) @ snapshot.X_WB[PART - 1]
        p_C = pose.apply(X_CB, own.file.grasps.contacts_B[row])
        uv = lens.project(p_C, view.K, None)
        assert (uv > 0).all()
        assert (uv < (200, 170)).all()


def test_the_gripper_comes_from_above() -> None:
    own = grip()
    for row in range(6):
        X_WB = own.holding(row).X_WB[0]
        approach_W = X_WB[:3, :3] @ own.file.grasps.X_BG[row, :3, 2]
        np.testing.assert_allclose(approach_W, (0, 0, -1), atol=1e-12)


def test_what_is_no_surface_can_be_seen_through() -> None:
    (picture,) = portraits(grip(), [0])
    assert picture.shape == (170, 200, 4)
    assert picture[-1, 0].tolist() == [0, 0, 0, 0]
    assert picture[..., 3].max() == 255
    assert 0.15 < (picture[..., 3] > 0).mean() < 0.9


def test_a_hidden_pad_shows_through_the_part() -> None:
    """The far pad is behind a part that is wider than it: its colour is mixed in."""
    wide = box_grasps(1, size_m=(0.09, 0.06, 0.04))
    X_BG = pose.pose(np.column_stack([(0, 1, 0), (1, 0, 0), (0, 0, -1)]), (0, 0, 0))[None]
    own = grip(grasps=replace(wide, X_BG=X_BG, width_m=np.array([0.06])))
    (picture,) = portraits(own, [0])
    orange = (picture[..., 0] > 1.6 * picture[..., 2]) & (picture[..., 3] == 255)
    colors = np.unique(picture[orange][:, :3] // 24, axis=0)
    assert len(colors) > 4  # three faces of a box alone have three colours


def test_a_camera_holds_all_points_and_wastes_no_room() -> None:
    points = mesh.sphere(0.04).vertices * (2, 1, 1) + (0.3, -2, 1)
    view = frame_view(points, np.array([0.2, 1, -0.4]), width=300, height=200, margin=0.1)
    uv = lens.project(pose.apply(pose.inverse(view.X_WC), points), view.K, None)
    low, high = uv.min(axis=0), uv.max(axis=0)
    np.testing.assert_allclose(low + high, (299, 199), atol=1e-6)  # in the middle
    room = (high - low) / (300, 200)
    assert room.max() == pytest.approx(0.8)
    assert room.min() > 0.3


def test_normals_are_smooth_but_for_edges() -> None:
    box = surface(*welded(mesh.box((0.1, 0.2, 0.3))))
    assert sorted(set(np.abs(box.normals).max(axis=1).round(6))) == [1.0]
    ball = surface(*welded(mesh.sphere(0.05)))
    out = ball.vertices / np.linalg.norm(ball.vertices, axis=1, keepdims=True)
    assert (ball.normals * out).sum(axis=1).min() > np.cos(np.radians(6))
    assert mesh.is_closed(ball)


def welded(own: mesh.Mesh) -> tuple[np.ndarray, np.ndarray]:
    vertices, faces = mesh.weld(own)
    return vertices.astype(np.float32), faces


def test_colours_go_from_never_to_always() -> None:
    assert tint(0.0) == (203, 62, 38)
    assert tint(0.5) == (226, 160, 32)
    assert tint(1.0) == (38, 128, 216)
    assert tint(float("nan")) == UNKNOWN


def test_a_large_set_is_drawn_by_some_from_the_best_to_the_worst() -> None:
    probability = np.random.default_rng(0).random(1000)
    rows = shown(probability)
    assert len(rows) == len(set(rows.tolist())) == MOST
    assert rows[0] == probability.argmin()
    assert rows[-1] == probability.argmax()
    assert shown(probability[:5]).tolist() == np.argsort(probability[:5]).tolist()


@pytest.mark.parametrize("gripper", ["jaw85", "cup"])
def test_forks_of_one_shade_are_one_body(gripper: str) -> None:
    outcome = np.zeros((3, 4), np.int8)
    outcome[0], outcome[2, :2] = -1, 3
    own = grip(gripper, replace(box_grasps(3, gripper=gripper), outcome=outcome))
    straight, over = swarm(own)
    assert list(straight.scene.objects) == ["part", "not_tried", "step_10", f"step_{STEPS - 1}"]
    assert straight.scene is over.scene
    assert (over.X_WB[:, 2, 2] == -1).all()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"out": "a.h5"}, "--out: a.h5 does not end in .html; choose a name that does"),
        ({"count": 0}, "--count: 0 shows nothing; ask for 1 or more"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    tmp_path: Path, arguments: dict[str, int | str], text: str
) -> None:
    with pytest.raises(InputError) as error:
        write_grasps_page(box_file(tmp_path / "a.h5"), **arguments)  # type: ignore[arg-type]
    assert str(error.value) == text


def test_a_gripper_that_is_not_in_the_catalog_is_said(tmp_path: Path) -> None:
    path = box_file(tmp_path / "a.h5", replace(box_grasps(1), gripper="claw"))
    with pytest.raises(InputError, match="no robot claw"):
        write_grasps_page(path)
