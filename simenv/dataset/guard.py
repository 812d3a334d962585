"""Is this file safe to read? HDF5 can point out of the file and inflate without bound; ours do not.

libhdf5 follows external links, external storage and virtual sources to any path without a word
(`/etc/passwd` as a dataset of bytes), so every link is looked at before anything is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from simenv.dataset.schema import FORMAT
from simenv.errors import InputError

__all__ = ["check", "safe_open"]

_FILTERS = {h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE}
INFLATION = 1100  # deflate makes at most 1032 bytes of one
SLACK = 1 << 16  # bytes that may stand for nothing stored: columns of fill values
CHUNK_LIMIT = 1 << 30  # bytes of one chunk; 8192 x 8192 x 3 is 0.2 GB


def safe_open(
    path: str | Path, *, virtual: re.Pattern[str] | None = None, form: str = FORMAT
) -> h5py.File:
    """The file, open for reading, after all its links, filters and sizes have been looked at.

    Args:
        path: an HDF5 file.
        virtual: the names that files shown by virtual datasets may have; by default there are none.
        form: the root attribute `format` that it must have.

    Raises:
        InputError: if it is no file of that format, or reaches out of itself.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path}: is no readable HDF5 file ({error})") from None
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
    """Look at every link and dataset of ``file``; ``path`` is for the message."""
    try:
        found = file.attrs.get("format")
        if found != form:
            kind = form.split("-")[1]  # simenv-dataset-1
            raise InputError(f"{path}: format is {found!r}, not {form!r}: no {kind} of simenv")
        for dataset in _datasets(file, path, set()):
            if problem := _problem(dataset, virtual):
                raise InputError(f"{path}: {dataset.name} {problem}; the file is not safe to read")
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is damaged ({error})") from None


def _datasets(group: h5py.Group, path: str | Path, seen: set[Any]) -> Iterator[h5py.Dataset]:
    """Every dataset below ``group``, none through a link that leaves the file."""
    info = h5py.h5o.get_info(group.id)
    if (info.fileno, info.addr) in seen:
        raise InputError(f"{path}: {group.name} is linked twice; the file is not safe to read")
    seen.add((info.fileno, info.addr))
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            where = f"{group.name.rstrip('/')}/{name}"
            kind = type(link).__name__
            raise InputError(f"{path}: {where} is a {kind}; the file is not safe to read")
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _datasets(item, path, seen)
        elif isinstance(item, h5py.Dataset):
            yield item


def _problem(dataset: h5py.Dataset, virtual: re.Pattern[str] | None) -> str:
    """What is wrong with a dataset, or nothing."""
    if dataset.external:
        return f"is stored in another file, {dataset.external[0][0]}"
    if dataset.dtype.kind not in "iuf" and h5py.check_string_dtype(dataset.dtype) is None:
        return f"has the type {dataset.dtype}"
    if dataset.is_virtual:
        for source in dataset.virtual_sources():
            own = source.dset_name.lstrip("/") == dataset.name.lstrip("/")
            if virtual is None or not virtual.fullmatch(source.file_name) or not own:
                return f"is a view of {source.file_name}:{source.dset_name}"
        return ""
    return _filter_problem(dataset) or _size_problem(dataset)


def _filter_problem(dataset: h5py.Dataset) -> str:
    properties = dataset.id.get_create_plist()
    codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if len(set(codes)) != len(codes) or not set(codes) <= _FILTERS:
        return f"has the filters {codes}"
    return ""


def _size_problem(dataset: h5py.Dataset) -> str:
    size, stored = dataset.nbytes, dataset.id.get_storage_size()
    if size > stored * INFLATION + SLACK:
        return f"claims {size} bytes, of which {stored} are stored"
    if dataset.chunks and int(np.prod(dataset.chunks)) * dataset.dtype.itemsize > CHUNK_LIMIT:
        return f"has chunks of {dataset.chunks}"
    return ""
