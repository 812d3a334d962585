"""The few pictures on the page of an audit: small, each with a ring around what is meant."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from simenv.audit.examples import Example
from simenv.dataset.read import Dataset
from simenv.view.encode import jpeg_uri, shrink

__all__ = ["Album"]

WIDTH = 200  # px of a thumbnail at most
MOST = 120  # pictures on a page; what is asked for beyond is left out
RING = 1.5  # diameter of a ring in diagonals of the box that it is around
SMALLEST = 0.12  # of the width: the least diameter of a ring


class Album:
    """Decodes the pictures of one dataset, each once."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.known: dict[int, tuple[str, int, int]] = {}  # image -> URI, width and height stored

    def row(self, examples: Iterable[Example]) -> str:
        """Thumbnails side by side; "" where there is none."""
        figures = "".join(self.figure(example) for example in examples)
        return f'<div class="thumbs">{figures}</div>' if figures else ""

    def of_scene(self, number: int, turn: int = 0) -> str:
        """A picture of a scene, by the camera whose turn it is."""
        images = self.dataset.images([number])
        if not len(images):
            return ""
        cameras = self.dataset.cameras
        which = turn % len(cameras)
        return self.figure(Example(int(images[which]), number, cameras[which]))

    def figure(self, example: Example) -> str:
        """One thumbnail with its caption."""
        if example.image not in self.known and len(self.known) >= MOST:
            return ""
        uri, width, height = self._picture(example.image)
        said = f"scene {example.scene} · {example.camera}"
        return (
            f'<figure class="thumb"><div><img src="{uri}" alt="{escape(said)}">'
            f"{_ring(example, width, height)}</div>"
            f"<figcaption>{escape(said)}</figcaption></figure>"
        )

    def _picture(self, image: int) -> tuple[str, int, int]:
        if image not in self.known:
            rgb = self.dataset[image].rgb
            height, width = rgb.shape[:2]
            self.known[image] = jpeg_uri(shrink(rgb, WIDTH, exact=False)), width, height
        return self.known[image]


def _ring(example: Example, width: int, height: int) -> str:
    if example.ring is None:
        return ""
    u, v, size = example.ring
    radius = max(RING * size, SMALLEST * width) / 2
    return (
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true"><circle class="ring"'
        f' cx="{u * width:.1f}" cy="{v * height:.1f}" r="{radius:.1f}"/></svg>'
    )
