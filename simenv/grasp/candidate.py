"""What a sampler proposes: grasps that geometry alone finds good, before physics is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Candidates"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """N grasps with C contacts each; the columns are those of `GraspSet`."""

    X_BG: Floats  # (N, 4, 4)
    width_m: Floats  # (N,)
    opening_m: Floats  # (N,)
    contacts_B: Floats  # (N, C, 3)
    normals_B: Floats  # (N, C, 3)
    quality: Floats  # (N,)

    def __len__(self) -> int:
        return len(self.X_BG)

    def of(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Candidates:
        """Some of them, in the order of ``rows``."""
        return Candidates(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))
