"""The width of a domain by counting; the table says of each axis what the file says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simenv.domain.table import domain_table
from simenv.domain.width import bits, perplexity, rotation_cells
from simenv.spec.domain import Distribution
from simenv.spec.load import load_task
from simenv.spec.object import Symmetry

ALL = 512 / np.pi  # 8 pi^2 / (pi / 4)^3
ROUND = 64 / np.pi  # 4 pi / (pi / 4)^2
Z = {"axis": (0.0, 0.0, 1.0)}
X = {"axis": (1.0, 0.0, 0.0)}


def turns(*angles: tuple[float, float, float]) -> tuple[dict[str, Any], ...]:
    return tuple({"rpy_deg": angle} for angle in angles)


@pytest.mark.parametrize(
    ("symmetry", "cells"),
    [
        ({}, ALL),
        ({"discrete": turns((0.0, 0.0, 180.0))}, ALL / 2),
        ({"discrete": turns((0.0, 0.0, 90.0))}, ALL / 4),  # what generates the group
        ({"discrete": turns((0.0, 0.0, 90.0), (0.0, 0.0, 180.0), (0.0, 0.0, 270.0))}, ALL / 4),
        ({"discrete": turns((0.0, 0.0, 180.0), (180.0, 0.0, 0.0))}, ALL / 4),  # a box
        ({"discrete": turns((0.0, 0.0, 90.0), (90.0, 0.0, 0.0))}, ALL / 24),  # a cube
        ({"continuous": (Z,)}, ROUND),
        ({"continuous": (Z,), "discrete": turns((180.0, 0.0, 0.0))}, ROUND / 2),
        ({"continuous": (Z,), "discrete": turns((0.0, 0.0, 90.0))}, ROUND),
        ({"continuous": (Z, X)}, 1.0),
    ],
)
def test_orientations_that_look_different(symmetry: dict[str, Any], cells: float) -> None:
    assert rotation_cells(Symmetry.model_validate(symmetry)) == pytest.approx(cells)


def test_perplexity_is_the_number_of_even_options() -> None:
    assert perplexity([1.0] * 7) == pytest.approx(7)
    assert perplexity([3.0, 0.0, 3.0]) == pytest.approx(2)
    assert perplexity([1.0]) == perplexity([]) == 1
    assert 1 < perplexity([99.0, 1.0]) < 1.1


@pytest.mark.parametrize(
    ("draws", "width"),
    [
        ({"uniform": (0.0, 1e-9)}, 3.0),
        ({"uniform": ((0.0, 1.0), (1.0, 1.0))}, 3.0),  # one of the two does not vary
        ({"log_uniform": (1.0, 2.0)}, 3.0),
        ({"integers": (1, 4)}, 2.0),
        ({"integers": (1, 400)}, 3.0),
        ({"integers": (5, 5)}, 0.0),
        ({"choice": "all"}, 1.0),
        ({"choice": ("a", "b", "c", "d")}, 2.0),
        ({"choice": {"a": 1.0, "b": 1.0, "c": 0.0}}, 1.0),
        ({"so3": "uniform"}, 5.0),
        ({"on_sphere": {"center": (0.0, 0.0, 0.0), "radius_m": (1.0, 1.0)}}, 6.0),
    ],
)
def test_bits(draws: dict[str, Any], width: float) -> None:
    distribution = Distribution.model_validate(draws)
    assert bits(distribution, options=("x", "y"), rotations=32.0) == pytest.approx(width)


@pytest.mark.parametrize("name", ["bin_pick", "table_clutter"])
def test_every_row_of_a_domain_is_in_its_table(name: str) -> None:
    task = load_task(name)
    table = domain_table(task)
    said = {row.path: row for row in table.rows}
    for path, axis in task.spec.domain.items():
        assert (said[path].kind, set(said[path].edges)) == (axis.kind, set(axis.edge))
    assert sum(row.share for row in table.rows) == pytest.approx(1)
    assert table.bits() == pytest.approx(table.bits("semantic") + table.bits("visual"))
    assert len(list(table.lines())) == 5 + len(said) + sum(len(row.edges) for row in table.rows)


def test_scattered_positions_vary_though_no_row_says_so() -> None:
    rows = {row.path: row for row in domain_table(load_task("table_clutter")).rows}
    assert rows["actors.goods.spawn.position"].bits == pytest.approx(6)


def test_a_texture_is_as_wide_as_what_each_part_can_have() -> None:
    """Not as the list of all textures of all objects: a part has one of its own."""
    task = load_task("table_clutter")
    names = task.spec.actors["goods"].objects
    own = [max(1, len(task.objects[name].spec.textures)) for name in names]
    rows = {row.path: row for row in domain_table(task).rows}
    assert rows["actors.goods.texture"].bits == pytest.approx(np.mean(np.log2(own)))


def test_the_page_shows_the_table_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs/check.md").read_text()
    assert "\n".join(domain_table(load_task("table_clutter")).lines()) in page
