"""A file of grasps gives back what was written, is the same twice, and is refused when damaged."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from simenv.dataset.grasps import FORMAT, grasp_paths, is_grasps, read_grasps, write_grasps
from simenv.errors import InputError
from simenv.grasp.model import OUTCOMES, GraspSet
from tests.dataset.grasps import box_file, box_grasps, surface


@pytest.mark.parametrize("gripper", ["jaw85", "cup"])
def test_what_was_written_comes_back(tmp_path: Path, gripper: str) -> None:
    grasps, box = box_grasps(gripper=gripper), surface()
    path = box_file(tmp_path / "new/carton.h5", grasps)
    found = read_grasps(path)
    for field in fields(GraspSet):
        was, now = getattr(grasps, field.name), getattr(found.grasps, field.name)
        if isinstance(was, np.ndarray):
            assert was.dtype == now.dtype
            np.testing.assert_array_equal(was, now)
        else:
            assert was == now
    np.testing.assert_array_equal(found.vertices, box.vertices.astype(np.float32))
    np.testing.assert_array_equal(found.faces, box.faces)


def test_grasps_that_nobody_tried_come_back(tmp_path: Path) -> None:
    found = read_grasps(box_file(tmp_path / "a.h5", box_grasps(trials=0)))
    assert found.grasps.trials.tolist() == [0] * 24
    assert np.isnan(found.grasps.success_probability).all()


def test_an_empty_set_is_a_file(tmp_path: Path) -> None:
    for gripper in ("jaw85", "cup"):
        found = read_grasps(box_file(tmp_path / f"{gripper}.h5", box_grasps(0, gripper=gripper)))
        assert len(found.grasps) == 0


def test_equal_sets_are_equal_bytes(tmp_path: Path) -> None:
    one, two = (box_file(tmp_path / name, box_grasps()) for name in ("one.h5", "two.h5"))
    assert one.read_bytes() == two.read_bytes()
    assert box_file(two, box_grasps(seed=1)).read_bytes() != one.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.h5", "two.h5"]


def test_every_dataset_says_its_axes_and_unit(tmp_path: Path) -> None:
    with h5py.File(box_file(tmp_path / "a.h5")) as file:
        found = {name: dict(file[name].attrs) for name in [*file, "mesh/vertices", "mesh/faces"]}
        assert all("axes" in found[name] for name in found if name != "mesh")
        units = {name: attrs["unit"] for name, attrs in found.items() if "unit" in attrs}
        assert file["outcome"].attrs["codes"] == (
            '{"-1": "not tried", "0": "held", "1": "collision", "2": "missed", "3": "lift", '
            '"4": "shake", "5": "rotate"}'
        )
        assert file["interval"][()].tolist() == box_grasps().interval.tolist()
        assert file.attrs["settings"] == '{"friction": 0.5, "seed": 0}'
    metres = ("X_BG", "contacts_B", "mesh/vertices", "motion_m", "opening_m", "slip_m", "width_m")
    assert units == {**dict.fromkeys(metres, "m"), "turn_rad": "rad"}


def test_files_of_a_folder_are_found_by_their_format(tmp_path: Path) -> None:
    box_file(tmp_path / "b.h5")
    box_file(tmp_path / "a.h5")
    h5py.File(tmp_path / "c.h5", "w").close()
    (tmp_path / "d.h5").write_text("no HDF5")
    assert [path.name for path in grasp_paths(tmp_path)] == ["a.h5", "b.h5"]
    assert is_grasps(tmp_path / "a.h5")
    assert not is_grasps(tmp_path / "c.h5")
    assert not is_grasps(tmp_path / "none")


Change = Callable[[h5py.File], Any]


def put(name: str, index: Any, value: Any) -> Change:
    """Overwrites some numbers of a dataset."""

    def change(file: h5py.File) -> None:
        file[name][index] = value

    return change


def instead(name: str, values: Any) -> Change:
    """Puts another dataset under a name."""

    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = values

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (put("outcome", (0, 0), 9), "outcome holds a code that has no meaning"),
        (put("outcome", 0, -1), "trials does not agree with outcome"),
        (put("success_probability", 3, 0.31), "success_probability does not agree with outcome"),
        (put("X_BG", (1, 0, 0), 2.0), "X_BG holds a matrix that is no pose"),
        (put("X_BG", (1, 0, 3), np.nan), "X_BG is not finite"),
        (put("width_m", 0, -1.0), "width_m is negative"),
        (put("mesh/faces", (0, 0), 99), "mesh/faces names rows that mesh/vertices does not have"),
        (put("mesh/vertices", (0, 0), np.inf), "mesh/vertices is not finite"),
        (instead("quality", np.zeros(3)), "quality has the shape (3,), not (24,)"),
        (instead("quality", np.zeros(24, "i4")), "quality is int32, not float64"),
        (instead("contacts_B", np.zeros((24, 1, 3))), "has the shape (24, 1, 3), not (24, 2, 3)"),
        (lambda file: file.attrs.update(kind="hand"), "kind is 'hand'; there is jaw, vacuum"),
        (lambda file: file.attrs.update(object="../x"), "is '../x', no name of the catalog"),
        (lambda file: file.attrs.update(settings="[]"), "settings is no JSON object"),
        (lambda file: file.attrs.update(settings="{"), "Expecting property name"),
        (lambda file: file.pop("turn_rad"), "turn_rad"),
    ],
)
def test_what_is_not_as_it_was_written_is_said_in_a_line(
    tmp_path: Path, change: Change, text: str
) -> None:
    path = box_file(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(InputError) as error:
        read_grasps(path)
    said = str(error.value)
    assert said.startswith(f"{path}: is damaged (")
    assert text in said
    assert said.endswith("; remove it, and run the command that made it again")
    assert "\n" not in said


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = box_file(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["format"] = "simenv-demo-1"
    with pytest.raises(InputError) as error:
        read_grasps(path)
    assert str(error.value) == (
        f"{path}: format is 'simenv-demo-1', not '{FORMAT}': no grasps of simenv"
    )


def test_a_link_out_of_the_file_is_refused(tmp_path: Path) -> None:
    path = box_file(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["extra"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(InputError, match="/extra is an external link; the file is not safe"):
        read_grasps(path)


@pytest.mark.parametrize("end", [0, 100, 2000, -50])
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, end: int) -> None:
    path = box_file(tmp_path / "a.h5")
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(InputError) as error:
        read_grasps(path)
    assert str(path) in str(error.value)


def test_flipped_bytes_end_in_an_error_or_in_a_sound_set(tmp_path: Path) -> None:
    path, rng = box_file(tmp_path / "a.h5"), np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(300):
        data = bytearray(whole)
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        with suppress(InputError):  # any other error is one too many
            outcome = read_grasps(path).grasps.outcome
            assert set(np.unique(outcome)) <= set(range(-1, len(OUTCOMES)))


def test_a_set_that_says_nonsense_is_not_written(tmp_path: Path) -> None:
    grasps, box = box_grasps(), surface()
    wrong = replace(grasps, outcome=np.full_like(grasps.outcome, 7))
    with pytest.raises(ValueError, match="outcome holds a code that has no meaning"):
        write_grasps(tmp_path / "a.h5", wrong, box.vertices, box.faces)
    assert list(tmp_path.iterdir()) == []
