"""docs/format.md says what the schema says, and its example runs."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simenv.dataset.read import open as open_dataset
from simenv.dataset.schema import IMAGES, KEYPOINTS, SHARDS, TABLES, TEXT, TOUCHES, Field
from tests.dataset.factory import header

PAGE = (Path(__file__).parents[2] / "docs" / "format.md").read_text()


def section(table: str) -> str:
    """The part of the page under the heading of ``table``."""
    found = re.search(rf"^## `/{re.escape(table)}`.*?(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, f"no section for {table}"
    return found[0]


@pytest.mark.parametrize("table", TABLES)
def test_the_page_lists_every_column_with_its_dtype(table: str) -> None:
    text = section(table)
    for name, field in TABLES[table].items():
        row = re.search(rf"^\|[^|]*`{name}`[^|]*\|([^|]*)\|", text, re.M)
        assert row, f"{table}/{name} is not on the page"
        assert row[1].split(",")[0].strip().startswith(dtype(field)), f"{table}/{name}: {row[1]}"


def dtype(field: Field) -> str:
    """As the page writes it: f8 (4, 4)."""
    if field.dtype == TEXT:
        return "str"
    letters = {KEYPOINTS: "K", TOUCHES: "C"}
    shape = [letters.get(size, str(size)) for size in field.shape[:1]]
    return np.dtype(field.dtype).str[1:] + (f" ({shape[0]}" if shape else "")


def test_the_page_lists_pictures_shards_and_attributes() -> None:
    for name, image in IMAGES.items():
        assert f"| `{name}` | {np.dtype(image.dtype).str[1:]} (H, W" in section("cameras/<c>")
    for name in SHARDS:
        assert f"`{name}`" in section("shards")
    for name in header().attributes:
        assert f"`{name}`" in PAGE


def test_the_example_reads_what_simenv_reads(clean: Path) -> None:
    example = re.search(r"```python\n(.*?)```", PAGE, re.S)
    assert example
    code = example[1].replace("out/dataset.h5", f"{clean}/dataset.h5")
    assert len([line for line in code.splitlines() if line]) == 8
    found: dict[str, Any] = {}
    exec(compile(code, "docs/format.md", "exec"), found)
    with open_dataset(clean) as ds:
        item = next(item for item in ds if item.camera == "top")
    for name in ("rgb", "instance", "ids", "X_CB", "objects"):
        np.testing.assert_array_equal(found[name], getattr(item, name))
    np.testing.assert_allclose(found["depth_m"], item.depth_m, rtol=1e-6)
