"""Planted leaks are found, a part of a split is read as a dataset, a broken file is one line."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simenv
from simenv.dataset.index import merge_to_file
from simenv.dataset.leaks import leaks, twins
from simenv.dataset.read import Dataset
from simenv.dataset.splits import Origin, Request, Split, labels_sha256, write_split
from simenv.dataset.validate import validate
from simenv.errors import InputError
from tests.dataset.factory import dataset, record

CLEAN = {"train": (0, 4), "test": (5,)}  # of the three shards: 1, 2 and 3 are rejected


def stored(path: Path, parts: dict[str, tuple[int, ...]], *hold_out: str) -> Split:
    """Any parts, written as a split of the dataset."""
    with simenv.open(path) as source:
        numbers = tuple(number for own in parts.values() for number in own)
        attrs, scenes = source.attrs, source.table("scenes")
        split = Split(
            name="default",
            request=Request(fractions={"train": 0.5, "test": 0.5}, seed=0, hold_out=hold_out),
            dataset=Origin(
                task_sha256=str(attrs["task_sha256"]),
                seed=int(attrs["seed"]),
                labels_sha256=labels_sha256(scenes, numbers),
            ),
            splits=parts,
        )
    write_split(path, split)
    return split


def found(path: Path, *args: Any) -> list[str]:
    """Leaks of a split, as text."""
    split = stored(path, *args)
    with simenv.open(path) as source:
        return [str(leak) for leak in leaks(source, split)]


def test_a_clean_split_has_no_leaks(out: Path) -> None:
    assert found(out, CLEAN) == []
    assert validate(out).findings == ()


PLANTED = {
    "scene 4: is in train and in test, with 4 images": ({"train": (0, 4), "test": (4, 5)},),
    "scene 0: is in train more than once": ({"train": (0, 0, 4), "test": (5,)},),
    "scene 1: is in test, and has no picture in this dataset": ({"train": (0, 4), "test": (1, 5)},),
    "scene 9: is in test, and has no picture in this dataset": ({"train": (0, 4), "test": (5, 9)},),
    "scene 0: is in train and has cap, which object=cap holds out": (CLEAN, "object=cap"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_leak_is_found_and_named(what: str, out: Path) -> None:
    said = found(out, *PLANTED[what])
    assert what in said
    assert {f"default.json: {line}" for line in said} == {str(f) for f in validate(out).findings}


def test_scenes_that_show_the_same_are_found_on_two_sides(tmp_path: Path) -> None:
    one, two = record(0), record(1)
    copy = record(0, seed=0)
    object.__setattr__(copy, "scene", 2)
    out = dataset(tmp_path / "out", [one, two, copy])
    said = found(out, {"train": (0, 1), "test": (2,)})
    assert said == ["scene 2: is in test and a near-duplicate of 0, in train"]
    assert found(out, {"train": (0, 2), "test": (1,)}) == []


def test_near_is_less_than_a_millimetre(tmp_path: Path) -> None:
    copies = [record(0) for _ in range(3)]
    for k, shift_m in enumerate((0.0, 1e-5, 2e-3)):
        object.__setattr__(copies[k], "scene", k)
        X_WB = np.array(copies[k].X_WB)
        X_WB[:, :, :3, 3] = np.round(X_WB[:, :, :3, 3], 3) + shift_m
        object.__setattr__(copies[k], "X_WB", X_WB)
    with simenv.open(dataset(tmp_path / "out", copies)) as source:
        found = twins(source)
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_part_is_read_as_a_dataset_of_its_own(kind: str, out: Path, tmp_path: Path) -> None:
    path = out if kind == "folder" else merge_to_file(out, tmp_path / "one.h5")
    stored(path, CLEAN)
    with simenv.open(path) as source:
        assert source.splits == ("default",)
        assert {name: own.tolist() for name, own in source.split().items()} == {
            "train": [0, 4],
            "test": [5],
        }
        parts = {name: source.subset(name) for name in ("train", "test")}
        assert [len(part) for part in parts.values()] == [8, 6]
        for name, part in parts.items():
            assert {item.scene for item in part} == set(CLEAN[name])
        assert len(np.intersect1d(parts["train"].images, parts["test"].images)) == 0
        copy = pickle.loads(pickle.dumps(parts["test"]))
        assert (copy[-1].rgb == parts["test"][5].rgb).all()
        copy.dataset.close()
        with pytest.raises(IndexError, match="image 6 of 6 in the subset"):
            parts["test"][6]
        with pytest.raises(InputError, match=r"split default has no tst; did you mean test\?"):
            source.subset("tst")
        with pytest.raises(InputError, match=r"has no split defalt; did you mean default\?"):
            source.split("defalt")


SPOILT = {
    "": "is no split (Invalid JSON",
    "[]": "is no split (Input should be an object); remove it and make it again",
    '{"name": "default"}': "is no split (request: Field required)",
    "-1": "splits.train.1: Input should be greater than or equal to 0",
    "other": "is split other; name the file other.json",
}


@pytest.mark.parametrize("text", SPOILT)
def test_a_file_that_is_no_split_is_one_line(text: str, out: Path) -> None:
    whole, line = json.loads(stored(out, CLEAN).text), SPOILT[text]
    if text == "-1":
        whole["splits"]["train"][1] = -1
        text = json.dumps(whole)
    elif text == "other":
        text = json.dumps(whole | {"name": "other"})
    (out / "splits/default.json").write_text(text)
    with Dataset(out) as source, pytest.raises(InputError) as caught:
        source.split()
    assert str(caught.value).startswith(f"{out}/splits/default.json: ")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(validate(out).findings) == 1
