"""The page of an audit needs nothing else, shows every axis, and trusts no text of the file."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simenv.errors import InputError
from simenv.view.audit import write_audit
from simenv.view.chart import Cell, grid, heat_map, ramp, sparkline, stacked
from tests.view import build
from tests.view.html import Page

EVIL = "</style><script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(1)>&amp;"
SCENES = 12


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve scenes of spheres, and one that is rejected for an evil reason."""
    records = [build.record(k, parts=1 + k % 3, frames=1) for k in range(SCENES)]
    records.append(build.record(SCENES, parts=1, frames=0, reasons=[EVIL]))
    return build.save(tmp_path_factory.mktemp("audit") / "set", records, summary=EVIL, gl=EVIL)


@pytest.fixture(scope="module")
def text(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the dataset."""
    written = write_audit(dataset, out=tmp_path_factory.mktemp("page"))
    return written.page.read_text(encoding="utf-8")


def references(text: str) -> list[str]:
    """All that a browser would fetch or go to, by any attribute or style."""
    names = ("src", "href", "srcset", "data", "action", "poster", "background", "xlink:href")
    return [
        value for _, own in Page.of(text).tags for name, value in own.items() if name in names
    ] + re.findall(r"url\(([^)]*)\)|@import[^;]*", text)


def test_the_page_is_well_formed_and_refers_to_nothing_outside(text: str) -> None:
    page = Page.of(text)
    ids = {own["id"] for _, own in page.tags if "id" in own}
    for reference in references(text):
        assert reference.startswith("data:image/") or reference[1:] in ids, reference
    assert len(text) < 3e6


def test_no_text_of_the_file_becomes_markup(text: str) -> None:
    page = Page.of(text)
    assert not page.attributes("script")
    assert not [name for _, own in page.tags for name in own if name.startswith("on")]
    assert all(own["src"].startswith("data:image/") for own in page.attributes("img"))
    assert EVIL in page.said


def test_the_page_shows_every_axis_and_every_variable(text: str) -> None:
    said = Page.of(text).said
    for name in ("actors.parts.count", "scene.gravity_m_s2", "look.backdrop.color"):
        assert name in said
    for name in ("class", "face", "orientation", "neighbours", "u", "visible_fraction"):
        assert f" {name} " in said
    for camera in ("left", "right"):
        assert camera in said


def test_every_verdict_goes_to_its_section(text: str) -> None:
    page = Page.of(text)
    sections = {own["id"] for own in page.attributes("section") if "id" in own}
    assert {"domain", "coverage", "bias", "images", "edges", "cells", "splits"} <= sections
    assert {link["href"][1:] for link in page.attributes("a")} <= {
        own["id"] for _, own in page.tags if "id" in own
    }


def test_a_page_made_twice_is_the_same(dataset: Path, text: str, tmp_path: Path) -> None:
    assert write_audit(dataset, out=tmp_path / "again").page.read_text(encoding="utf-8") == text


def test_the_files_lie_in_the_folder_or_beside_the_file(tmp_path: Path) -> None:
    out = build.save(tmp_path / "set", [build.record(0, parts=1, frames=1)])
    assert write_audit(out).page == out / "audit.html"
    shard = out / "shard-00000.h5"
    assert write_audit(shard).card == out / "shard-00000.h5.audit" / "CARD.md"


def test_a_wrong_place_or_tier_is_refused_by_one_line(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out: .*file is a file; name a folder"):
        write_audit(dataset, out=tmp_path / "file")
    with pytest.raises(InputError, match=r"there is no folder .*none; make it"):
        write_audit(dataset, out=tmp_path / "none" / "deep")
    with pytest.raises(
        InputError, match=r"--tier: the dataset has no scene of glare; there is core"
    ):
        write_audit(dataset, out=tmp_path, tier="glare")


def test_a_sparkline_has_a_bar_for_each_cell_and_marks_the_empty_ones() -> None:
    page = Page.of(sparkline([4, 0, 2], ["a", "<b>", "c"], what="scenes", hot=True))
    bars = page.attributes("rect")
    assert [bar.get("class") for bar in bars] == [None, "none", None]
    heights = [float(bar["height"]) for bar in bars]
    assert heights[0] == 2 * heights[2] > 0
    assert "<b>: 0 scenes" in page.said


def test_a_heat_map_puts_each_cell_where_it_belongs() -> None:
    cells = [Cell(0, 1, "#010203", "x"), Cell(2, 0, "#040506", "y", mark=True, link="there")]
    page = Page.of(heat_map(["a", "b", "c"], ["d", "e"], cells, label="map"))
    first, second = page.attributes("rect")
    pitch = float(first["x"]) - float(second["x"])
    assert float(second["y"]) - float(first["y"]) == pytest.approx(2 * pitch)
    assert (first["fill"], second["fill"]) == ("#010203", "#040506")
    assert len(page.attributes("circle")) == 1
    assert page.attributes("a") == [{"href": "#there"}]


def test_a_stacked_bar_is_as_wide_as_its_shares() -> None:
    shares = np.array([[0.25, 0.75], [1.0, 0.0]])
    page = Page.of(stacked(["a", "b"], shares, [4, 2], ["#000000", "#ffffff"]))
    widths = [float(bar["width"]) for bar in page.attributes("rect")]
    assert widths[1] == pytest.approx(3 * widths[0])
    assert widths[2] == pytest.approx(widths[0] + widths[1])
    assert len(widths) == 3


def test_a_plane_is_darkest_where_most_is() -> None:
    counts = np.array([[0, 5], [10, 1]])
    drawn = grid(counts, lambda r, c: f"{counts[r, c]}", ratio=4 / 3, label="plane")
    colors = [own["fill"] for own in Page.of(drawn).attributes("rect")]
    red = [int(color[1:3], 16) for color in colors]
    assert red[2] == min(red)
    assert red[2] < red[1] < red[3]


def test_colours_are_of_the_whole_scale_and_of_no_number_too() -> None:
    assert ramp(0) != ramp(1)
    assert ramp(-1) == ramp(0) == ramp(float("nan"))
    assert ramp(2) == ramp(1)


def test_an_edge_has_its_hit_rate_and_pictures_by_several_cameras(tmp_path: Path) -> None:
    records = [build.record(0, parts=1, frames=1)]
    edge = build.record(1, parts=2, frames=1, reasons=["unsettled"] * 3)
    records.append(replace(edge, tier="look.light.elevation_deg/glare"))
    out = build.save(tmp_path / "set", records)
    written = write_audit(out, tier="glare")
    page = Page.of(written.page.read_text(encoding="utf-8"))
    assert "look.light.elevation_deg/glare 1 1 4 25 %" in page.said
    shown = [own["alt"] for own in page.attributes("img")]
    assert {"scene 1 · left", "scene 1 · right"} <= set(shown)
    assert "hit in under half of their attempts: look.light.elevation_deg/glare 25 %" in page.said
    assert "--edge" not in written.card.read_text()  # the dataset's tier is core
    assert "| look.light.elevation_deg/glare | 1 | 4 | 25 % |" in written.card.read_text()
