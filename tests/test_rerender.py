"""Drawing a dataset again changes what was asked for and nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simenv
from simenv.cli import run
from simenv.errors import InputError
from simenv.generate import generate
from simenv.rerender import parse_look, rerender
from simenv.verify import verify

MINI = Path(__file__).parent / "data/project/tasks/mini.yaml"
SCENES = 3


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset; its objects are found beside its task."""
    out = tmp_path_factory.mktemp("source") / "out"
    generate(MINI, out, scenes=SCENES, jobs=0, renderer="tiny")
    return out


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMENV_PATH", str(MINI.parents[1]))


def draw(source: Path, out: Path, **options: Any) -> Path:
    """`rerender` in this process."""
    rerender(source, out, jobs=0, **options)
    return out


def table(path: Path, name: str) -> dict[str, Any]:
    """A table of a dataset."""
    with simenv.open(path) as dataset:
        return dataset.table(name)


def pictures(path: Path, name: str) -> list[Any]:
    """All pictures of one kind."""
    with simenv.open(path) as dataset:
        return [getattr(item, name) for item in dataset]


def differ(a: Sequence[Any], b: Sequence[Any]) -> list[bool]:
    """Picture by picture."""
    return [not np.array_equal(x, y) for x, y in zip(a, b, strict=True)]


def test_drawn_again_as_it_was_it_is_the_same_bit_by_bit(source: Path, tmp_path: Path) -> None:
    twin = draw(source, tmp_path / "twin")
    for digest in ("labels_sha256", "all_sha256"):
        assert table(twin, "scenes")[digest].tolist() == table(source, "scenes")[digest].tolist()


def test_another_look_changes_pixels_and_no_label(source: Path, tmp_path: Path) -> None:
    look = {"look.light.azimuth_deg": 200.0, "look.backdrop.color": (0.9, 0.1, 0.1)}
    twin = draw(source, tmp_path / "twin", look=look)
    ours, theirs = table(twin, "scenes"), table(source, "scenes")
    assert ours["labels_sha256"].tolist() == theirs["labels_sha256"].tolist()
    assert all(differ(pictures(twin, "rgb"), pictures(source, "rgb")))
    assert "param/look.light.azimuth_deg" not in ours
    # What still varies has the values that it had.
    name = "param/scene.belts.main.texture"
    assert ours[name].tolist() == theirs[name].tolist()


def test_another_seed_redraws_the_look_alone(source: Path, tmp_path: Path) -> None:
    twin = draw(source, tmp_path / "twin", look_seed=5)
    assert table(twin, "scenes")["labels_sha256"].tolist() == (
        table(source, "scenes")["labels_sha256"].tolist()
    )
    assert all(differ(pictures(twin, "rgb"), pictures(source, "rgb")))


@pytest.mark.egl
@pytest.mark.parametrize("renderer", ["egl", "raster"])
def test_another_renderer_sees_the_same_bodies(
    renderer: str, source: Path, tmp_path: Path, egl_closed: None
) -> None:
    twin = draw(source, tmp_path / "twin", renderer=renderer)
    for name in ("frame", "id", "X_WB", "velocity"):
        np.testing.assert_array_equal(table(twin, "bodies")[name], table(source, "bodies")[name])
    for a, b in zip(pictures(twin, "instance"), pictures(source, "instance"), strict=True):
        assert np.mean(a != b) < 0.01
    with simenv.open(twin) as dataset:
        assert dataset.attrs["renderer"] == renderer
        assert len(dataset.attrs["poses_sha256"]) == 64


def test_labels_are_added_to_what_was_there(source: Path, tmp_path: Path) -> None:
    twin = draw(source, tmp_path / "twin", labels=["semantic", "amodal"])
    with simenv.open(twin) as dataset, simenv.open(source) as before:
        assert dataset.attrs["labels"] == "amodal semantic"
        for item, old in zip(dataset, before, strict=True):
            np.testing.assert_array_equal(item.instance, old.instance)
            assert item.semantic is not None
            assert np.array_equal(item.semantic > 0, item.instance > 0)
            assert item.amodal is not None
            assert old.semantic is None


def test_a_dataset_drawn_again_can_be_verified_without_its_source(
    source: Path, tmp_path: Path
) -> None:
    twin = draw(source, tmp_path / "twin", look={"look.light.elevation_deg": 20.0})
    assert len(list(verify(twin, scenes=2))) == 2


def test_two_workers_write_the_bytes_of_one_process(source: Path, tmp_path: Path) -> None:
    look = {"look.light.elevation_deg": 20.0}
    one = draw(source, tmp_path / "one", look=look)
    rerender(source, tmp_path / "two", look=look, jobs=2)
    for name in ("dataset.h5", "shard-00000.h5"):
        assert (one / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--look", "scene.belts.main.speed_m_s=0.3"],
            "--look scene.belts.main.speed_m_s: changes labels, which come from the logged poses; "
            "vary something visual, or generate another dataset",
        ),
        (
            ["--look", "look.light.elevation=3"],
            "--look look.light.elevation: no such path; did you mean look.light.elevation_deg?",
        ),
        (["--labels", "normal"], "--labels: no label normal; did you mean normals?"),
        (
            ["--labels", "contacts"],
            "--labels: contacts cannot be told from poses, and {source} does not hold them; "
            "add them to the task's labels and generate it again",
        ),
        (["--devices", "a"], "--devices: 'a' is no list of numbers; write for example 0,1"),
    ],
)
def test_a_wrong_wish_is_one_line_and_status_2(
    arguments: list[str],
    line: str,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = run(["render", str(source), "--out", str(tmp_path / "out"), "--jobs", "0", *arguments])
    assert status == 2
    assert capsys.readouterr().err == f"simenv: {line.replace('{source}', str(source))}\n"
    assert not (tmp_path / "out").exists()


def test_a_value_that_does_not_fit_says_where(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^--look look\.light\.elevation_deg: must be"):
        draw(source, tmp_path / "out", look={"look.light.elevation_deg": 300.0})


def test_the_source_itself_is_not_written_to(source: Path) -> None:
    before = (source / "dataset.h5").read_bytes()
    with pytest.raises(InputError, match="is the source or lies in it"):
        draw(source, source, look={"look.light.elevation_deg": 20.0})
    assert (source / "dataset.h5").read_bytes() == before


def test_a_mapping_leaves_alone_what_it_does_not_name(source: Path, tmp_path: Path) -> None:
    whole = draw(source, tmp_path / "whole", look={"look.light": {"intensity": 2.0}})
    single = draw(source, tmp_path / "single", look={"look.light.intensity": 2.0})
    assert table(whole, "scenes")["all_sha256"].tolist() == (
        table(single, "scenes")["all_sha256"].tolist()
    )
    assert "param/look.light.azimuth_deg" in table(whole, "scenes")


def test_a_refused_look_leaves_no_folder(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^--look actors\.parts\.texture: no object of the group"):
        draw(source, tmp_path / "out", look={"actors.parts.texture": "zebra"})
    assert not (tmp_path / "out").exists()


def test_looks_come_from_pairs_and_files(tmp_path: Path) -> None:
    (tmp_path / "warm.yaml").write_text("look.light.temperature_k: 3000\n")
    found = parse_look(["look.light.intensity=0.5", str(tmp_path / "warm.yaml")])
    assert found == {"look.light.intensity": 0.5, "look.light.temperature_k": 3000}
