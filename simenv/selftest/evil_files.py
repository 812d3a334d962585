"""How a dataset is made evil: in one of its HDF5 files, or in its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from simenv.dataset.store import INDEX, MANIFESTS

__all__ = ["FILES", "FOLDERS", "Attack"]

Attack = Callable[[Path, Path], None]  # spoils a file or folder; where the secrets are
TEXT = h5py.string_dtype()
ESCAPE = "\x1b[2J\x1b[1;31mall is well"


def external_link(path: Path, secrets: Path) -> None:
    """A name that is a place in another file."""
    with h5py.File(path, "r+") as file:
        del file["frames/time_s"]
        file["frames/time_s"] = h5py.ExternalLink(str(secrets / "other.h5"), "/frames/time_s")


def soft_link(path: Path, secrets: Path) -> None:
    """A name that is another name."""
    with h5py.File(path, "r+") as file:
        del file["task"]
        file["task"] = h5py.SoftLink("/objects/name")


def external_storage(path: Path, secrets: Path) -> None:
    """A column whose bytes are another file's."""
    with h5py.File(path, "r+") as file:
        count = len(file["bodies/id"])
        del file["bodies/id"]
        source = [(str(secrets / "bytes"), 0, 2 * count)]
        file.create_dataset("bodies/id", (count,), "<u2", external=source)


def _view(path: Path, source: str, *, endless: bool, name: str = "") -> None:
    with h5py.File(path, "r+") as file:
        (camera,) = file["cameras"]
        own = name or f"cameras/{camera}/depth"
        shape = file[own].shape
        del file[own]
        ends = (h5py.h5s.UNLIMITED, *shape[1:]) if endless else shape
        space = h5py.h5s.create_simple(shape, ends)
        if endless:
            count = (h5py.h5s.UNLIMITED, *(1,) * len(shape[1:]))
            space.select_hyperslab((0,) * len(shape), count, block=(1, *shape[1:]))
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_virtual(space, source.encode(), f"/{own}".encode(), space)
        whole = h5py.h5s.create_simple(shape, ends)
        h5py.h5d.create(file.id, own.encode(), h5py.h5t.STD_U16LE, whole, properties)


def strange_view(path: Path, secrets: Path) -> None:
    """Pictures that are another file's."""
    _view(path, str(secrets / "other.h5"), endless=False)


def endless_view(path: Path, secrets: Path) -> None:
    """libhdf5 opens the source as soon as it is asked for the shape."""
    _view(path, str(secrets / "other.h5"), endless=True)


def endless_view_of_a_shard(path: Path, secrets: Path) -> None:
    """The same, of a name that an index may show."""
    _view(path, "shard-00001.h5", endless=True)


def view_of_a_column(path: Path, secrets: Path) -> None:
    """A table that lies elsewhere."""
    _view(path, "shard-00001.h5", endless=False, name="bodies/id")


def inflating(path: Path, secrets: Path) -> None:
    """A terabyte of fill values in a few bytes."""
    with h5py.File(path, "r+") as file:
        del file["bodies/velocity"]
        file.create_dataset("bodies/velocity", (1 << 34, 6), "<f8", chunks=(1 << 10, 6))


def huge_and_empty(path: Path, secrets: Path) -> None:
    """A contiguous column that was never written."""
    with h5py.File(path, "r+") as file:
        del file["bodies/velocity"]
        file.create_dataset("bodies/velocity", (1 << 40, 6), "<f8")


def column_in_pieces(path: Path, secrets: Path) -> None:
    """80 MB of zeros, deflated to 80 kB; read whole, it is multiplied by a thousand."""
    with h5py.File(path, "r+") as file:
        del file["bodies/velocity"]
        zeros = np.zeros((10_000_000,), "<f8")
        file.create_dataset("bodies/velocity", data=zeros, chunks=(1_000_000,), compression="gzip")


def huge_picture(path: Path, secrets: Path) -> None:
    """One picture of 60000 x 60000."""
    with h5py.File(path, "r+") as file:
        shape = (1, 20_000, 60_000)
        properties = {"chunks": shape, "compression": "gzip"}
        file.create_dataset("extra", shape, "<u2", **properties)


def repeated_filter(path: Path, secrets: Path) -> None:
    """Deflate of deflate inflates a thousandfold each time."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((1, 4, 4))
    for _ in range(3):
        properties.set_deflate(1)
    space = h5py.h5s.create_simple((1, 4, 4))
    with h5py.File(path, "r+") as file:
        h5py.h5d.create(file.id, b"extra", h5py.h5t.NATIVE_INT8, space, properties)


def unknown_filter(path: Path, secrets: Path) -> None:
    """A filter that is a plug-in: libhdf5 loads a library for it."""
    with h5py.File(path, "r+") as file:
        file.create_dataset("extra", (1, 8, 8), "u1", chunks=(1, 8, 8), compression="lzf")


def _typed(kind: Any) -> Attack:
    def attack(path: Path, secrets: Path) -> None:
        with h5py.File(path, "r+") as file:
            file.create_dataset("extra", (1,), kind)

    return attack


def references(path: Path, secrets: Path) -> None:
    """They can point anywhere in the file."""
    _typed(h5py.ref_dtype)(path, secrets)


def lists(path: Path, secrets: Path) -> None:
    """Rows of any length."""
    _typed(h5py.vlen_dtype(np.int32))(path, secrets)


def compounds(path: Path, secrets: Path) -> None:
    """Rows of several types."""
    _typed(np.dtype([("a", "<i4"), ("b", "<f8")]))(path, secrets)


def opaque(path: Path, secrets: Path) -> None:
    """Bytes without a meaning."""
    _typed(h5py.opaque_dtype(np.dtype("V16")))(path, secrets)


def stored_type(path: Path, secrets: Path) -> None:
    """A type with a name of its own."""
    with h5py.File(path, "r+") as file:
        file["extra"] = np.dtype("<i4")


def type_from_afar(path: Path, secrets: Path) -> None:
    """A column whose type lies elsewhere in the file."""
    with h5py.File(path, "r+") as file:
        file["kind"] = np.dtype("<i4")
        file.create_dataset("extra", (1,), file["kind"])
        del file["kind"]


def loop(path: Path, secrets: Path) -> None:
    """A group inside itself."""
    with h5py.File(path, "r+") as file:
        file["frames/again"] = file["frames"]


def user_block(path: Path, secrets: Path) -> None:
    """Another file before the file."""
    data = path.read_bytes()
    with h5py.File(path, "w", userblock_size=512) as file:
        file.attrs["format"] = "simenv-dataset-1"
    head = b"#!/bin/sh\n".ljust(512, b"\0")
    path.write_bytes(head + path.read_bytes()[512:] + data[:0])


def deep(path: Path, secrets: Path) -> None:
    """Groups in groups."""
    with h5py.File(path, "r+") as file:
        file.create_group("/".join("a" * 2000))


def crowded(path: Path, secrets: Path) -> None:
    """Many groups."""
    with h5py.File(path, "r+") as file:
        for k in range(21_000):
            file.create_group(f"extra/{k}", track_order=False)


def many_attributes(path: Path, secrets: Path) -> None:
    """More than there are meanings for."""
    with h5py.File(path, "r+") as file:
        for k in range(200):
            file["frames"].attrs[f"a{k}"] = k


def huge_attribute(path: Path, secrets: Path) -> None:
    """Two million numbers at the root, in the dense storage of newer files."""
    with h5py.File(path, "r+", libver="latest") as file:
        group = file.create_group("extra")
        group.attrs["big"] = np.zeros(300_000)


def attribute_of_strings(path: Path, secrets: Path) -> None:
    """Each may be the same large one."""
    with h5py.File(path, "r+") as file:
        file["frames"].attrs.create("unit", ["a", "b"], dtype=TEXT)


def attribute_reference(path: Path, secrets: Path) -> None:
    """Points anywhere."""
    with h5py.File(path, "r+") as file:
        file["frames"].attrs["unit"] = file["task"].ref


def attribute_that_steers(path: Path, secrets: Path) -> None:
    """The name of the task clears the screen."""
    with h5py.File(path, "r+") as file:
        file.attrs["task_name"] = ESCAPE


def strings_that_multiply(path: Path, secrets: Path) -> None:
    """A thousand rows that are one and the same megabyte."""
    with h5py.File(path, "r+") as file:
        column = file.create_dataset("extra", (1000,), TEXT)
        column[0] = "x" * 1_000_000
        offset = column.id.get_offset()
    data = bytearray(path.read_bytes())
    data[offset : offset + 16_000] = bytes(data[offset : offset + 16]) * 1000
    path.write_bytes(data)


def _text(path: Path, column: str, text: str | bytes) -> None:
    with h5py.File(path, "r+") as file:
        file[column][0] = text


def text_that_steers(path: Path, secrets: Path) -> None:
    """A texture that clears the screen."""
    _text(path, "bodies/texture", ESCAPE)


def text_of_two_lines(path: Path, secrets: Path) -> None:
    """A reason that ends the table."""
    _text(path, "attempts/outcome", "accepted\nsimenv: all is well")


def text_that_is_none(path: Path, secrets: Path) -> None:
    """No UTF-8."""
    _text(path, "bodies/texture", b"\xff\xfe")


def name_that_climbs(path: Path, secrets: Path) -> None:
    """An object whose file would lie elsewhere."""
    _text(path, "objects/name", "../../secrets/bytes")


def name_that_computes(path: Path, secrets: Path) -> None:
    """A formula, where a table is opened with an office program."""
    _text(path, "objects/class", '=HYPERLINK("http://x")')


def name_that_is_markup(path: Path, secrets: Path) -> None:
    """A script, where a page is made."""
    _text(path, "objects/name", "<script>alert(1)</script>")


def camera_that_climbs(path: Path, secrets: Path) -> None:
    """A group whose name is a way up; exports make files of it."""
    with h5py.File(path, "r+") as file:
        (camera,) = file["cameras"]
        file["cameras"].move(camera, "..\\..\\x")


def camera_that_steers(path: Path, secrets: Path) -> None:
    """A group whose name clears the screen."""
    with h5py.File(path, "r+") as file:
        (camera,) = file["cameras"]
        file["cameras"].move(camera, f"{ESCAPE}\n")


def nothing(path: Path, secrets: Path) -> None:
    """A column without a shape."""
    with h5py.File(path, "r+") as file:
        file["extra"] = h5py.Empty("<f8")


def cut_in_half(path: Path, secrets: Path) -> None:
    """The end is missing."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def pipe(path: Path, secrets: Path) -> None:
    """Whoever opens it waits for its writer."""
    path.unlink()
    os.mkfifo(path)


def endless_device(path: Path, secrets: Path) -> None:
    """A link to zeros without an end."""
    path.unlink()
    path.symlink_to("/dev/zero")


def link_to_itself(path: Path, secrets: Path) -> None:
    """Leads nowhere."""
    path.unlink()
    path.symlink_to(path)


FILES: tuple[Attack, ...] = (
    external_link,
    soft_link,
    external_storage,
    strange_view,
    endless_view,
    endless_view_of_a_shard,
    view_of_a_column,
    inflating,
    huge_and_empty,
    column_in_pieces,
    huge_picture,
    repeated_filter,
    unknown_filter,
    references,
    lists,
    compounds,
    opaque,
    stored_type,
    type_from_afar,
    loop,
    user_block,
    deep,
    crowded,
    many_attributes,
    huge_attribute,
    attribute_of_strings,
    attribute_reference,
    attribute_that_steers,
    strings_that_multiply,
    text_that_steers,
    text_of_two_lines,
    text_that_is_none,
    name_that_climbs,
    name_that_computes,
    name_that_is_markup,
    camera_that_climbs,
    camera_that_steers,
    nothing,
    cut_in_half,
    pipe,
    endless_device,
    link_to_itself,
)


def a_secret_as_shard(out: Path, secrets: Path) -> None:
    """An index that names a path."""
    with h5py.File(out / INDEX, "r+") as file:
        file["shards/file"][0] = "../../secrets/bytes"
        file["shards/bytes"][0] = (secrets / "bytes").stat().st_size


def manifests_that_are_pipes(out: Path, secrets: Path) -> None:
    """Nothing is committed then."""
    (out / INDEX).unlink()
    for path in (out / MANIFESTS).iterdir():
        path.unlink()
        os.mkfifo(path)


def manifests_too_deep(out: Path, secrets: Path) -> None:
    """JSON that no parser gets to the end of."""
    (out / INDEX).unlink()
    for path in (out / MANIFESTS).iterdir():
        path.write_text("[" * 200_000)


def manifests_of_other_kind(out: Path, secrets: Path) -> None:
    """Numbers where rows should be."""
    (out / INDEX).unlink()
    for path in (out / MANIFESTS).iterdir():
        path.write_text(json.dumps({"shard": 1e999, "bytes": "x", "sha256": [], "scenes": 7}))


def shards_that_are_pipes(out: Path, secrets: Path) -> None:
    """Whoever opens one waits."""
    for path in out.glob("shard-*.h5"):
        pipe(path, secrets)


def a_page_that_is_a_link(out: Path, secrets: Path) -> None:
    """The page of the dataset would be written over a file elsewhere."""
    (out / "view.html.part").symlink_to(secrets / "bytes")


FOLDERS: tuple[Attack, ...] = (
    a_secret_as_shard,
    manifests_that_are_pipes,
    manifests_too_deep,
    manifests_of_other_kind,
    shards_that_are_pipes,
    a_page_that_is_a_link,
)
