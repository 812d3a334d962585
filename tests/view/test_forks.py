"""The best grasps of each part are drawn over its picture, behind a button of their own."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simenv import lens, pose
from simenv.dataset.read import open as open_dataset
from simenv.generate import generate
from simenv.view import write_page
from simenv.view.forks import SHORTEST_PX, forks_svg, lines
from simenv.view.glyph import tint
from simenv.view.shot import Grasp, Shot
from simenv.view.source import BEST, Source
from simenv.view.svg import hex_color
from simenv.view.tile import GRASPS, VIEWS, tile_html
from tests.grasp.hand_made import ABOVE, BELOW, SIDE, project
from tests.view import spheres
from tests.view.html import Page

WIDTH_M = 0.06


def grasp(*, cup: bool = False, probability: float = 1.0, z_m: float = 1.0) -> Grasp:
    """A hand that comes from the left, across the picture, and closes up and down."""
    across = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    X_CG = pose.pose(across, (0.05, -0.02, z_m))
    return Grasp(1, 0.1, X_CG, 0.0 if cup else WIDTH_M, cup, probability)


def shot(*grasps: Grasp) -> Shot:
    return replace(spheres.shot(1), grasps=grasps)


def test_the_ends_of_a_fork_are_the_pads() -> None:
    own = grasp()
    fork, stem = lines(own, shot(own))
    pads = [own.X_CG @ (side * WIDTH_M / 2, 0.0, 0.0, 1.0) for side in (-1, 1)]
    expected = lens.project(np.array(pads)[:, :3], spheres.K, None)
    np.testing.assert_allclose(fork[[0, 3]], expected, atol=1e-9)
    assert np.isclose(fork[1:3].mean(axis=0), stem[0], atol=0.05).all()
    assert stem[1, 0] < stem[0, 0] < fork[0, 0]  # the hand is at the left


def test_a_cup_is_a_circle_around_its_lip() -> None:
    own = replace(grasp(cup=True), X_CG=pose.pose(p_AB=(0.0, 0.0, 1.0)))
    lip, stem = lines(own, shot(own))
    (middle,) = lens.project(own.X_CG[None, :3, 3], spheres.K, None)
    np.testing.assert_allclose(stem[0], middle)
    radius = np.linalg.norm(lip - middle, axis=1)
    assert radius == pytest.approx(np.full(len(lip), radius[0]))


def test_far_forks_are_no_shorter_than_can_be_seen() -> None:
    own = grasp(z_m=50.0)
    fork, _ = lines(own, shot(own))
    assert np.linalg.norm(fork[1] - fork[0]) == pytest.approx(SHORTEST_PX, rel=0.05)


def test_behind_the_camera_nothing_is_drawn() -> None:
    own = grasp(z_m=-1.0)
    assert lines(own, shot(own)) == ()
    assert "<path" not in forks_svg(shot(own))


def test_colours_are_those_of_the_page_of_grasps() -> None:
    own = [grasp(probability=p) for p in (1.0, 0.5)]
    page = Page.of(tile_html(shot(*own)))
    strokes = [path["stroke"] for path in page.attributes("path") if path["class"] == "grasp"]
    assert strokes == [hex_color(tint(p)) for p in (0.5, 1.0)]  # the best on top
    shown = [button["data-show"] for button in page.attributes("button")]
    assert shown == [*VIEWS[:4], GRASPS]


@pytest.fixture(scope="module")
def picked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A post with seven good grasps, one from below and one from the side."""
    folder = tmp_path_factory.mktemp("picked")
    lower = [ABOVE @ pose.pose(p_AB=(0.0, 0.0, 0.001 * k)) for k in range(7)]
    task = project(folder, (BELOW, *lower, SIDE))
    generate(task, folder / "out", scenes=1, jobs=0, renderer="tiny")
    return folder / "out"


def test_a_shot_has_the_best_grasps_and_their_number(picked: Path) -> None:
    with open_dataset(picked) as images:
        source, table = Source(images), images.table("grasps/jaw85")
        for image, camera in enumerate(images.cameras):
            found = source.shot(image)
            assert found.grasps is not None
            assert len(found.grasps) == BEST
            good = np.flatnonzero(table["success_probability"] >= 0.5)
            assert found.parts[0].grasps == (len(good), len(table["grasp"])) == (len(good), 9)
            assert 0 not in good
            best = np.argsort(-table["success_probability"], kind="stable")[:BEST]
            X_CG = images.table(f"cameras/{camera}/grasps")["X_CG"]
            np.testing.assert_array_equal([own.X_CG for own in found.grasps], X_CG[best])
            assert {own.id for own in found.grasps} == {found.parts[0].id}


def test_the_page_says_what_the_forks_are(picked: Path) -> None:
    html = write_page(picked, out=picked.parent / "page.html").read_text(encoding="utf-8")
    page = Page.of(html)
    assert "Grasps: the best of each part, as forks" in page.said
    assert len(re.findall(r'class="overlay grasps"', html)) == 2
    shown = [button["data-show"] for button in page.attributes("button")]
    assert shown == 3 * [*VIEWS[:4], GRASPS]


def test_a_tile_without_grasps_has_no_word_of_them() -> None:
    html = tile_html(spheres.shot(2))
    assert "grasps" not in html
