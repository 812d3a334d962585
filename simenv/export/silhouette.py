"""The silhouette of a part inside the image, hidden pixels included: read, or from geometry."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simenv.dataset.read import Dataset, Item
from simenv.export.source import Shot
from simenv.label import rle
from simenv.label.outline import Outline
from simenv.label.silhouette import silhouettes
from simenv.mesh import Mesh
from simenv.scene import View

__all__ = ["Silhouettes"]


class Silhouettes:
    """Of the parts of a dataset; keeps what it computes for each object."""

    def __init__(self, dataset: Dataset) -> None:
        self._objects = dataset.objects
        self._outline = lru_cache(maxsize=None)(self._welded)

    def of(self, shot: Shot) -> Iterator[NDArray[np.bool_]]:
        """Masks (H, W), one for each of ``shot.rows``; what is visible is always part of them."""
        item = shot.item
        if item.amodal is not None:
            yield from (rle.decode(item.amodal[row], *item.instance.shape) for row in shot.rows)
        elif len(shot.rows):
            outlines = [self._outline(name) for name in item.objects[shot.rows]]
            spans = silhouettes(outlines, item.X_CB[shot.rows], _view(item))
            height, width = item.instance.shape
            for index, row in enumerate(shot.rows):
                yield spans.mask(index, width, height) | shot.visible(row)

    def _welded(self, name: str) -> Outline:
        entry = self._objects[name]
        vertices = entry.vertices.astype(np.float64)
        blank = np.zeros_like(vertices)
        return Outline.of(Mesh(vertices, blank, blank[:, :2], entry.faces))


def _view(item: Item) -> View:
    height, width = item.instance.shape
    bent = item.distortion if item.distortion.any() else None
    return View(item.camera, width, height, item.K, item.X_WC, distortion=bent)
