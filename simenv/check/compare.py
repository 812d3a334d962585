"""In what two records of one scene differ: labels, bit by bit, and pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.layout import Layout
from simenv.dataset.record import Record
from simenv.dataset.rows import tables_of
from simenv.dataset.schema import IMAGES
from simenv.dataset.tables import Tables

__all__ = ["Difference", "Made", "compare"]

SHOWN_SHARE = 1e-4  # of a picture's pixels; 31 of 640x480
SHOWN_M = 1e-4  # one unit of depth pictures as they are stored
BESIDE = ("attempts/", "scenes/")  # tables that say how a scene came about, not what is in a frame
PARAM = "/param/"  # columns that repeat the values of axes


@dataclass(frozen=True, eq=False)
class Made:
    """A record with the tables that go to disk."""

    record: Record
    tables: Tables

    @classmethod
    def of(cls, record: Record, layout: Layout) -> Made:
        """``record``, as a dataset of ``layout`` would hold it."""
        return cls(record, tables_of(record, layout))

    @property
    def rejected(self) -> str:
        """Why it was; empty where it was not."""
        return self.record.attempts[-1].reason


@dataclass(frozen=True)
class Difference:
    """What differs between two records of one scene."""

    columns: tuple[str, ...]  # full names of all that is not visual: what the digest `labels` holds
    pixels: Mapping[str, float]  # picture that is visual -> mean difference, 0..255 or scale_m
    masks: Mapping[str, float]  # camera -> share of the pixels that show another object, 0..1
    depth_m: float  # mean difference of depth in the frame where it is largest
    moved_m: float  # of the body that moved farthest, where both have the same bodies

    @property
    def labels(self) -> tuple[str, ...]:
        """What of a frame's labels differs, values of axes left out."""
        return tuple(c for c in self.columns if not c.startswith(BESIDE) and PARAM not in c)

    @property
    def shows(self) -> bool:
        """Whether labels differ by more than numbers tremble when contacts are solved anew."""
        share = max(self.masks.values(), default=0.0)
        return share >= SHOWN_SHARE or max(self.depth_m, self.moved_m) >= SHOWN_M


def compare(a: Made, b: Made, layout: Layout) -> Difference:
    """What differs from ``a`` to ``b``."""
    columns = [
        name
        for name, field in layout.fields.items()
        if field.hashed and not field.visual and not _same(a.tables[name], b.tables[name])
    ]
    changed = dict(_changed(a.record, b.record))
    return Difference(
        columns=(*columns, *(name for name in changed if not _visual(name))),
        pixels={name: size for name, size in changed.items() if _visual(name)},
        masks=_masks(a.record, b.record),
        depth_m=_depth_m(a.record, b.record),
        moved_m=_moved_m(a.record, b.record),
    )


def _visual(name: str) -> bool:
    return IMAGES[name.rpartition("/")[2]].visual


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _changed(a: Record, b: Record) -> list[tuple[str, float]]:
    """Full name and mean difference of every picture that is not the same in all frames."""
    found = []
    for camera, own in a.cameras.items():
        for image, frames in own.images.items():
            others = b.cameras[camera].images[image]
            if len(frames) != len(others) or not all(map(_same, frames, others)):
                found.append((f"cameras/{camera}/{image}", _mean(frames, others)))
    return found


def _mean(frames: Any, others: Any) -> float:
    """Of the absolute difference; over the frames that both have."""
    pairs = zip(frames, others, strict=False)
    means = [float(np.abs(x.astype(float) - y.astype(float)).mean()) for x, y in pairs]
    return float(np.mean(means)) if means else np.inf


def _masks(a: Record, b: Record) -> dict[str, float]:
    """Camera -> the largest share of a frame's pixels that show another object.

    Ids would not do: where there is one part more, all furniture has other ids.
    """
    known = sorted({*a.body_object, *b.body_object})
    shares = {}
    for camera in a.cameras:
        pairs = zip(_shown(a, camera, known), _shown(b, camera, known), strict=False)
        shares[camera] = max((float(np.mean(x != y)) for x, y in pairs), default=0.0)
    return shares


def _shown(record: Record, camera: str, known: Sequence[str]) -> Iterator[NDArray[np.int64]]:
    """The object (H, W) that each pixel shows, as its place in ``known`` + 1; 0 for none."""
    number = np.zeros(int(record.body_id.max(initial=0)) + 1, dtype=np.int64)
    number[record.body_id] = [known.index(name) + 1 for name in record.body_object]
    return (number[mask] for mask in record.cameras[camera].images["instance"])


def _depth_m(a: Record, b: Record) -> float:
    """Mean difference where both show a surface, in the frame where it is largest."""
    found = [0.0]
    for name, camera in a.cameras.items():
        others = b.cameras[name].images["depth"]
        for x, y in zip(camera.images["depth"], others, strict=False):
            off = np.abs(x.astype(float) - y.astype(float))[(x > 0) & (y > 0)]
            found.append(float(off.mean()) * camera.depth_scale_m if len(off) else 0.0)
    return max(found)


def _moved_m(a: Record, b: Record) -> float:
    if a.body_object != b.body_object or a.X_WB.shape != b.X_WB.shape or not a.X_WB.size:
        return 0.0
    return float(np.linalg.norm(a.X_WB[..., :3, 3] - b.X_WB[..., :3, 3], axis=-1).max())
