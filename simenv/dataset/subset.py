"""Some images of a dataset, as a dataset: what a torch DataLoader takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simenv.dataset.read import Dataset, Item

__all__ = ["Subset"]


class Subset:
    """Images ``images`` of ``dataset``, in that order; pickles as the dataset's path and them."""

    def __init__(self, dataset: Dataset, images: NDArray[np.int64]) -> None:
        self.dataset, self.images = dataset, images

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Item]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Item:
        if not -len(self) <= i < len(self):
            raise IndexError(f"{self.dataset.path}: image {i} of {len(self)} in the subset")
        return self.dataset[int(self.images[i])]
