"""How tables and pictures are laid into an HDF5 file, and how tables are read out of it.

Small tables are contiguous: they are one part in a hundred of a file, and a row is then one read.
No file holds a time stamp, and everything is made in one fixed order: equal content, equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from simenv.dataset.layout import CameraLayout, Layout
from simenv.dataset.param import Param
from simenv.dataset.pixels import LEVEL, chunk
from simenv.dataset.schema import ATTRIBUTES, BODY_OFFSET, DEPTHS, IMAGES, TEXT, Field
from simenv.dataset.tables import Surface, Tables, body_offset
from simenv.errors import InputError

__all__ = [
    "FORMAT_RANGE",
    "View",
    "create_image",
    "in_memory",
    "item_of",
    "read_attributes",
    "read_column",
    "read_header",
    "read_layout",
    "read_rows",
    "read_tables",
    "read_text",
    "write_attributes",
    "write_column",
    "write_frames",
    "write_tables",
]

FORMAT_RANGE = ("earliest", "v110")  # the oldest format that can say it; virtual datasets need 1.10
View = tuple[str, int, int]  # a shard's file name, its first frame in the whole, its frames
_TEXT = h5py.string_dtype()
_SCALES = {"scenes": "scenes/index", "frames": "frames/time_s"}  # table -> its dimension scale


def in_memory(image: BytesIO | None = None) -> h5py.File:
    """An empty file that never touches the disk; once it is closed, ``image`` holds its bytes.

    Half as expensive as libhdf5's core driver, whose image has to be copied out.
    """
    return h5py.File(BytesIO() if image is None else image, "w", libver=FORMAT_RANGE)


def write_attributes(file: h5py.File, attributes: Mapping[str, Any], task_text: str) -> None:
    """The root attributes and /task."""
    for key, value in attributes.items():
        file.attrs[key] = value
    file.create_dataset("task", data=task_text, dtype=_TEXT)


def write_tables(file: h5py.File, tables: Tables, layout: Layout) -> None:
    """Every table, with units, axes and dimension scales; and the meshes of the objects."""
    for name, field in layout.fields.items():
        write_column(file, name, tables[name], field)
    _describe(file.create_dataset(BODY_OFFSET, data=body_offset(tables)), ("frame_edge",), "")
    for table, name in _SCALES.items():
        file[name].make_scale(name)
        for column in layout.columns(table):
            if column != name:
                file[column].dims[0].attach_scale(file[name])
    for key, surface in zip(tables["objects/key"], tables.meshes, strict=True):
        _write_mesh(file, f"objects/mesh/{key}", surface)


def write_column(file: h5py.File, name: str, values: NDArray[Any], field: Field) -> None:
    """One column of a table, with its unit, axes and what it refers to."""
    column = file.create_dataset(name, data=values, dtype=_dtype(field))
    row = "body_in_frame" if name.startswith(("bodies/", "cameras/")) else name.split("/")[0]
    _describe(column, (row, *field.axes), field.unit)
    if field.refers:
        column.attrs["refers"] = f"/{field.refers}"
    if field.param is not None:
        column.attrs["kind"] = "visual" if field.visual else "semantic"
        column.attrs["value"] = field.param.value


def _dtype(field: Field) -> Any:
    return _TEXT if field.dtype == TEXT else np.dtype(field.dtype)


def _describe(dataset: h5py.Dataset, axes: tuple[str, ...], unit: str) -> None:
    dataset.attrs["axes"] = " ".join(axes)
    if unit:
        dataset.attrs["unit"] = unit


def _write_mesh(file: h5py.File, group: str, surface: Surface) -> None:
    for name, values, unit in zip(("vertices", "faces"), surface, ("m", ""), strict=True):
        dataset = file.create_dataset(f"{group}/{name}", data=values)
        _describe(dataset, (("vertex", "xyz"), ("face", "corner"))[name == "faces"], unit)


def create_image(
    file: h5py.File, name: str, camera: CameraLayout, frames: int, *, views: Sequence[View] = ()
) -> h5py.Dataset:
    """An empty dataset for ``frames`` pictures, one chunk each; or a virtual one of ``views``."""
    image = name.rsplit("/", 1)[1]
    kind, shape = IMAGES[image], (frames, *camera.shape(image))
    if views:
        _create_virtual(file, name, kind.dtype, shape, views)
    else:
        file.create_dataset(name, shape, kind.dtype, **_filters(shape, kind.dtype))
    dataset = file[name]
    _describe(dataset, ("frame", "y", "x", "channel")[: len(shape)], kind.unit)
    if image in DEPTHS:
        dataset.attrs["scale_m"] = camera.depth_scale_m
    dataset.dims[0].attach_scale(file[_SCALES["frames"]])
    return dataset


def _create_virtual(
    file: h5py.File, name: str, dtype: str, shape: tuple[int, ...], views: Sequence[View]
) -> None:
    """As h5py's create_virtual_dataset, which has no way to leave the time stamp out."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_obj_track_times(False)
    space = h5py.h5s.create_simple(shape)
    for shard, start, frames in views:
        block = (frames, *shape[1:])
        space.select_hyperslab((start,) + (0,) * len(shape[1:]), (1,) * len(shape), block=block)
        source = h5py.h5s.create_simple(block)
        properties.set_virtual(space, shard.encode(), f"/{name}".encode(), source)
    space.select_all()
    type_ = h5py.h5t.py_create(np.dtype(dtype))
    h5py.h5d.create(file.id, name.encode(), type_, space, properties, _parents())


def write_frames(group: h5py.Group, name: str, frames: NDArray[Any]) -> h5py.Dataset:
    """A stack of pictures (N, H, W, ...), one chunk each, made by `chunk`."""
    shape, dtype = frames.shape, frames.dtype
    dataset = group.create_dataset(name, shape, dtype, **_filters(shape, dtype.str))
    for row, image in enumerate(frames):
        dataset.id.write_direct_chunk((row,) + (0,) * (frames.ndim - 1), chunk(image))
    return dataset


def _parents() -> h5py.h5p.PropLCID:
    """Groups on the way to a new dataset are made."""
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    return links


def _filters(shape: tuple[int, ...], dtype: str) -> dict[str, Any]:
    """How pixels.py makes chunks; a dataset without frames cannot have any."""
    if not shape[0]:
        return {}
    deflate = {"chunks": (1, *shape[1:]), "compression": "gzip", "compression_opts": LEVEL}
    return {**deflate, "shuffle": np.dtype(dtype).itemsize > 1}


def read_layout(file: h5py.File) -> Layout:
    """The columns that ``file`` has.

    Raises:
        InputError: it is damaged.
    """
    with _damage(file):
        return _layout(file)


def _layout(file: h5py.File) -> Layout:
    cameras = {}
    for name, group in file["cameras"].items():
        height, width = group["depth"].shape[1:]
        pictures = tuple(image for image in IMAGES if image in group)
        scale_m = float(group["depth"].attrs["scale_m"])
        cameras[name] = CameraLayout(width, height, scale_m, pictures)
    params = {
        f"{table}/param/{path}": _read_param(path, column)
        for table in ("scenes", "parts")
        for path, column in file[table].get("param", {}).items()
    }
    labels = frozenset(str(file.attrs.get("labels", "")).split())
    gripper, touches = _gripper(file)
    return Layout(cameras, params, labels, _keypoints(file, cameras), gripper, touches)


def _keypoints(file: h5py.File, cameras: Mapping[str, CameraLayout]) -> int:
    columns = (file.get(f"cameras/{name}/seen/keypoints_state") for name in cameras)
    return next((int(column.shape[1]) for column in columns if column is not None), 0)


def _gripper(file: h5py.File) -> tuple[str, int]:
    """Whose grasps there are, and how many contacts each has."""
    for name, table in file.get("grasps", {}).items():
        return str(name), int(table["contacts_W"].shape[1])
    return "", 0


def _read_param(path: str, column: h5py.Dataset) -> Param:
    value = column.attrs["value"]
    size = column.shape[1] if value == "vector" else 0
    return Param(path, value, size, visual=column.attrs["kind"] == "visual")


def read_tables(file: h5py.File, layout: Layout) -> Tables:
    """Every table of ``file``, whole, and the meshes."""
    columns = {name: read_column(file[name]) for name in layout.fields}
    meshes = [file[f"objects/mesh/{key}"] for key in columns["objects/key"]]
    return Tables(columns, tuple((mesh["vertices"][()], mesh["faces"][()]) for mesh in meshes))


def item_of(file: h5py.File, name: str) -> h5py.Dataset:
    """The dataset ``name`` of a file that should have it.

    Raises:
        InputError: it has none.
    """
    with _damage(file):
        found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        raise InputError(f"{file.filename}: has no {name}; see simenv validate")
    return found


def read_column(dataset: h5py.Dataset) -> NDArray[Any]:
    """One column, strings as ``str``."""
    return _values(dataset, ())


def read_rows(dataset: h5py.Dataset, rows: slice) -> NDArray[Any]:
    """Some rows of a column, strings as ``str``."""
    return _values(dataset, rows)


def _values(dataset: h5py.Dataset, rows: slice | tuple[()]) -> NDArray[Any]:
    """Rows of a column.

    Raises:
        InputError: they cannot be read.
    """
    with _damage(dataset):
        if h5py.check_string_dtype(dataset.dtype) is None:
            return np.asarray(dataset[rows])
        return _texts(dataset, rows)


@contextmanager
def _damage(item: h5py.Group | h5py.Dataset) -> Iterator[None]:
    """What bytes that are not as they were written set off in h5py is one line."""
    try:
        yield
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        why, where = " ".join(str(error).split()), f"{item.file.filename}: {item.name}"
        raise InputError(f"{where} cannot be read ({why}); see simenv validate") from None


def _texts(dataset: h5py.Dataset, rows: slice | tuple[()]) -> NDArray[Any]:
    """Rows of text. What they say is shown in terminals and pages, and is one line each.

    Raises:
        InputError: a text holds characters that are no text, such as those that steer a terminal.
    """
    found = np.asarray(dataset.asstr()[rows], dtype=object)
    for text in found.flat:
        if not text.isprintable():
            raise InputError(f"{dataset.file.filename}: {dataset.name} holds {ascii(text)[:60]}")
    return found


def read_attributes(file: h5py.File) -> dict[str, Any]:
    """The root attributes as plain Python values.

    Raises:
        InputError: a text is none; see `read_column`.
    """
    with _damage(file):
        found = {k: v.item() if isinstance(v, np.generic) else v for k, v in file.attrs.items()}
    for name, value in found.items():
        if not isinstance(value, str | int | float) or not str(value).isprintable():
            raise InputError(f"{file.filename}: attribute {name} is {ascii(value)[:60]}")
    return found


def read_header(file: h5py.File) -> dict[str, Any]:
    """The root attributes of a dataset: all that `Header.attributes` wrote are there.

    Raises:
        InputError: one is missing, or is of another kind.
    """
    found = read_attributes(file)
    for name, kind in ATTRIBUTES.items():
        if not isinstance(value := found.get(name), kind):
            text = f"attribute {name} is {ascii(value)[:60]}, no {kind.__name__}"
            raise InputError(f"{file.filename}: {text}; see simenv validate")
    return found


def read_text(dataset: h5py.Dataset) -> str:
    """A dataset that is one string."""
    with _damage(dataset):
        return str(dataset.asstr()[()])
