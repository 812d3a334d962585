"""What every renderer does: (snapshot, view) -> Frame. Backends share nothing with physics."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simenv.scene import Snapshot, View

__all__ = ["Frame", "Renderer"]


@dataclass(frozen=True, eq=False)
class Frame:
    """What a camera saw, clean: no sensor effect."""

    rgb: NDArray[np.uint8]  # (H, W, 3)
    depth_m: NDArray[np.float32]  # (H, W) metres along camera z, 0 = no surface
    instance: NDArray[np.uint16]  # (H, W) body id, 0 = floor or nothing
    near_far_m: tuple[float, float]  # clipping planes used; they set the quantum of the depth


class Renderer(Protocol):
    """Draws snapshots. Holds engine state; use as a context manager."""

    name: str  # "egl", "tiny"
    device: str  # what the driver says it is

    def render(self, snapshot: Snapshot, view: View) -> Frame:
        """The picture of ``snapshot`` from ``view``."""
        ...

    def close(self) -> None:
        """Give the engine back."""
        ...

    def __enter__(self) -> "Renderer": ...

    def __exit__(self, *_: object) -> None: ...
