"""What every renderer does: (snapshot, views) -> frames. Backends share nothing with physics."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from simenv.scene import Snapshot, View

__all__ = ["Channel", "Frame", "Frames", "Renderer"]

Channel = Literal["normals", "coordinates"]


@dataclass(frozen=True, eq=False)
class Frame:
    """What a camera saw, clean: no sensor effect."""

    rgb: NDArray[np.uint8]  # (H, W, 3)
    depth_m: NDArray[np.float32]  # (H, W) metres along camera z, 0 = no surface
    instance: NDArray[np.uint16]  # (H, W) body id, 0 = floor or nothing
    near_far_m: tuple[float, float]  # clipping planes used; they set the quantum of the depth
    normals: NDArray[np.float32] | None = None  # (H, W, 3) unit, camera axes; 0 = no surface
    coordinates: NDArray[np.float32] | None = None  # (H, W, 3) p_B metres; 0 where instance is 0


Frames = Callable[[], list[Frame]]  # waits for pictures that were begun, and returns them


class Renderer(Protocol):
    """Draws snapshots. Holds engine state; use as a context manager."""

    name: str  # "egl", "tiny", "raster"
    device: str  # what the driver says it is
    channels: frozenset[Channel]  # what it can draw beside colour, depth and instance

    def begin(
        self, snapshot: Snapshot, views: Sequence[View], channels: Collection[Channel] = ()
    ) -> Frames:
        """Start the pictures of ``snapshot`` from undistorted ``views``; call the result for them.

        Pictures may be begun before earlier ones were fetched. Of ``channels`` those are drawn
        that are in `Renderer.channels`.
        """
        ...

    def render(self, snapshot: Snapshot, view: View, channels: Collection[Channel] = ()) -> Frame:
        """The picture of ``snapshot`` from ``view``, at once."""
        ...

    def close(self) -> None:
        """Give the engine back."""
        ...

    def __enter__(self) -> "Renderer": ...

    def __exit__(self, *_: object) -> None: ...
