"""Is this file safe to read? HDF5 can point out of the file and inflate without bound; ours do not.

libhdf5 follows external links, external storage and virtual sources to any path without a word
(`/etc/passwd` as a dataset of bytes), so every link is looked at before anything is opened, and of
a virtual dataset nothing is asked, not even its shape, before its sources are known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5p, h5s, h5t, h5z

from simenv.dataset.schema import FORMAT
from simenv.errors import InputError
from simenv.reading import is_regular

__all__ = ["check", "format_of", "safe_open"]

FILTERS = {h5z.FILTER_SHUFFLE, h5z.FILTER_DEFLATE}
INFLATION = 1100  # deflate makes at most 1032 bytes of one
SLACK = 1 << 16  # bytes that may stand for nothing stored: columns of fill values
CHUNK_LIMIT = 1 << 30  # bytes of one chunk; 8192 x 8192 x 3 is 0.2 GB
MAX_DEPTH = 8  # of groups; the deepest column of ours, cameras/<c>/seen/<column>, is at 4
MAX_ITEMS = 20_000  # groups and datasets; a catalog of 5000 objects has 15,000
MAX_ATTRIBUTES = 64  # of one item; the root has about 25
MAX_ATTRIBUTE = 1 << 20  # bytes of one attribute
PICTURE_AXES = 3  # frame, y, x: what has fewer is a column of a table, stored in one piece
NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,254}")  # exports make file names of some
SCALES = {
    b"DIMENSION_LIST": h5t.VLEN,
    b"REFERENCE_LIST": h5t.COMPOUND,
}  # of HDF5's dimension scales
LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "an external link"}
PLAIN = (h5t.INTEGER, h5t.FLOAT, h5t.STRING)
OFFSETS = (8, 8)  # bytes of an address and of a length in the file
POINTER = np.dtype([("length", "<u4"), ("address", "<u8"), ("row", "<u4")])  # a string, as stored


@dataclass
class _Walk:
    """The way through one file."""

    path: str | Path
    virtual: re.Pattern[str] | None
    items: int = 0
    seen: set[tuple[int, int]] = field(default_factory=set)  # groups, by file and address

    def refuse(self, where: str, text: str) -> InputError:
        return InputError(f"{self.path}: {where} {text}; the file is not safe to read")


def safe_open(
    path: str | Path, *, virtual: re.Pattern[str] | None = None, form: str = FORMAT
) -> h5py.File:
    """The file, open for reading, after all its links, types, filters and sizes were looked at.

    Args:
        path: an HDF5 file.
        virtual: the names that files shown by virtual datasets may have; by default there are none.
        form: the root attribute `format` that it must have.

    Raises:
        InputError: if it is no file of that format, or reaches out of itself.
    """
    if Path(path).exists() and not is_regular(path):
        raise InputError(f"{path}: is no regular file; name an .h5 file")
    try:
        file = h5py.File(path, "r")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is no readable HDF5 file ({_line(error)})") from None
    try:
        check(file, path, virtual=virtual, form=form)
    except BaseException:
        file.close()
        raise
    return file


def check(
    file: h5py.File,
    path: str | Path,
    *,
    virtual: re.Pattern[str] | None = None,
    form: str = FORMAT,
) -> None:
    """Look at every link, attribute and dataset of ``file``, which lies at ``path``."""
    walk = _Walk(path, virtual)
    try:
        if problem := _root_problem(file):
            raise walk.refuse("it", problem)
        root = h5g.open(file.id, b"/")
        if problem := _attribute_problem(root):
            raise walk.refuse("/", problem)
        found = file.attrs.get("format")
        if found != form:
            kind = form.split("-")[1]  # simenv-dataset-1
            raise InputError(f"{path}: format is {found!r}, not {form!r}: no {kind} of simenv")
        for name, dataset in _datasets(root, "", walk):
            if problem := _problem(name, dataset, walk):
                raise walk.refuse(name, problem)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise InputError(f"{path}: is damaged ({_line(error)})") from None


def format_of(path: str | Path) -> str:
    """What the root says the file is, sound or not; "" where it says nothing."""
    try:
        if not is_regular(path):
            return ""
        with h5py.File(path, "r") as file:
            if _root_problem(file) or _attribute_problem(h5g.open(file.id, b"/")):
                return ""
            return str(file.attrs.get("format", ""))
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return ""


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _root_problem(file: h5py.File) -> str:
    if file.userblock_size:
        return f"begins with {file.userblock_size} bytes that are no HDF5"
    if (sizes := file.id.get_create_plist().get_sizes()) != OFFSETS:
        return f"has addresses and lengths of {sizes} bytes"
    return ""


def _datasets(group: h5g.GroupID, above: str, walk: _Walk) -> Iterator[tuple[str, h5d.DatasetID]]:
    """Name and dataset of all below ``group``, none through a link that leaves the file."""
    info = h5o.get_info(group)
    if (info.fileno, info.addr) in walk.seen:
        raise walk.refuse(above or "/", "is linked twice")
    walk.seen.add((info.fileno, info.addr))
    walk.items += group.get_num_objs()
    if walk.items > MAX_ITEMS:
        raise walk.refuse(above or "/", f"is of more than {MAX_ITEMS} items")
    if above.count("/") > MAX_DEPTH:
        raise walk.refuse(above, f"is deeper than {MAX_DEPTH} groups")
    for name in group:
        item, where = _item(group, name, above, walk)
        if isinstance(item, h5d.DatasetID):
            yield where, item
        else:
            yield from _datasets(item, where, walk)


def _item(
    group: h5g.GroupID, name: bytes, above: str, walk: _Walk
) -> tuple[h5g.GroupID | h5d.DatasetID, str]:
    """What a link leads to, and its whole name."""
    if not NAME.fullmatch(name):
        raise walk.refuse(f"{above}/{name!r}", "is no plain name")
    where = f"{above}/{name.decode()}"
    kind = group.links.get_info(name).type
    if kind != h5l.TYPE_HARD:
        raise walk.refuse(where, f"is {LINKS.get(kind, 'a link of its own kind')}")
    item = h5o.open(group, name)
    if not isinstance(item, h5g.GroupID | h5d.DatasetID):
        raise walk.refuse(where, "is a stored type")
    if problem := _attribute_problem(item):
        raise walk.refuse(where, problem)
    return item, where


def _attribute_problem(item: h5g.GroupID | h5d.DatasetID) -> str:
    """What is wrong with the attributes; none is read here."""
    count = h5a.get_num_attrs(item)
    if count > MAX_ATTRIBUTES:
        return f"has {count} attributes"
    for number in range(count):
        attribute = h5a.open(item, index=number)
        name = attribute.name
        if not NAME.fullmatch(name):
            return f"has an attribute {name!r}"
        shown, kind, size = name.decode(), attribute.get_type(), attribute.get_storage_size()
        if kind.get_class() not in PLAIN and SCALES.get(name) != kind.get_class():
            return f"has the attribute {shown} of the class {kind.get_class()}"
        _ = attribute.dtype  # what NumPy has no type for is damaged
        if size > MAX_ATTRIBUTE:
            return f"has the attribute {shown} of {size} bytes"
        # Many strings may all be the same large one, which is stored once and read many times.
        if kind.get_class() == h5t.STRING and attribute.shape != ():
            return f"has the attribute {shown} of several strings"
    return ""


def _problem(name: str, dataset: h5d.DatasetID, walk: _Walk) -> str:
    """What is wrong with a dataset, or nothing. The order matters: see the module's first lines."""
    properties = dataset.get_create_plist()
    if properties.get_external_count():
        file = properties.get_external(0)[0].decode(errors="replace")
        return f"is stored in another file, {file}"
    if properties.get_layout() == h5d.VIRTUAL:
        problem = _view_problem(name, properties, walk.virtual)
        return problem or _type_problem(dataset) or _shape_problem(dataset)
    return (
        _type_problem(dataset)
        or _filter_problem(properties)
        or _size_problem(dataset, properties)
        or _string_problem(dataset, walk.path)
    )


def _view_problem(name: str, properties: h5p.PropDCID, virtual: re.Pattern[str] | None) -> str:
    for i in range(properties.get_virtual_count()):
        file, own = properties.get_virtual_filename(i), properties.get_virtual_dsetname(i)
        if virtual is None or not virtual.fullmatch(file) or own.lstrip("/") != name.lstrip("/"):
            return f"is a view of {file}:{own}"
        # To know how large a view without an end is, libhdf5 opens its sources.
        spaces = (properties.get_virtual_vspace(i), properties.get_virtual_srcspace(i))
        if any(h5s.UNLIMITED in space.get_simple_extent_dims(True) for space in spaces):
            return f"is a view of {file} without an end"
    return ""


def _type_problem(dataset: h5d.DatasetID) -> str:
    kind, dtype = dataset.get_type(), dataset.dtype  # what NumPy has no type for is damaged
    if kind.get_class() not in PLAIN:
        return f"has the type {dtype}"
    return "has a type that is stored apart" if kind.committed() else ""


def _shape_problem(dataset: h5d.DatasetID) -> str:
    """Pictures have a chunk each; all else is whole, so that it cannot inflate."""
    if len(dataset.shape) < PICTURE_AXES:
        return f"is in pieces, with the shape {dataset.shape}"
    return ""


def _filter_problem(properties: h5p.PropDCID) -> str:
    codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if len(set(codes)) != len(codes) or not set(codes) <= FILTERS:
        return f"has the filters {codes}"
    return ""


def _size_problem(dataset: h5d.DatasetID, properties: h5p.PropDCID) -> str:
    shape, width = dataset.shape, dataset.get_type().get_size()
    if shape is None:
        return "has no shape"
    size, stored = math.prod(shape) * width, dataset.get_storage_size()
    if size > stored * INFLATION + SLACK:
        return f"claims {size} bytes, of which {stored} are stored"
    if properties.get_layout() != h5d.CHUNKED:
        return ""
    chunk = properties.get_chunk()
    if math.prod(chunk) * width > CHUNK_LIMIT or chunk != (1, *shape[1:]):
        return f"has chunks of {chunk}, not of one picture each"
    return _shape_problem(dataset)


def _string_problem(dataset: h5d.DatasetID, path: str | Path) -> str:
    """Rows may all point to one large string; what they say together is no longer than the file."""
    kind, count = dataset.get_type(), math.prod(dataset.shape)
    if not isinstance(kind, h5t.TypeStringID) or not kind.is_variable_str() or not count:
        return ""
    offset = dataset.get_offset()
    if offset is None:
        return "holds strings in pieces"
    rows = np.fromfile(path, POINTER, count, offset=offset)
    length, whole = int(rows["length"].sum(dtype=np.int64)), Path(path).stat().st_size
    return f"claims strings of {length} bytes in a file of {whole}" if length > whole else ""
