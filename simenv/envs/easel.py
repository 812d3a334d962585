"""How environments share renderers: one of each kind in a process, closed with the last user.

Bullet's EGL plugin serves one client in a process; a second one blanks the first. And a renderer
needs only a snapshot, so that one can draw for all.
"""

from __future__ import annotations

from simenv.render.choose import open_renderer, resolve
from simenv.render.renderer import Frame, Renderer
from simenv.scene import Snapshot, View

__all__ = ["Easel"]

_open: dict[str, tuple[Renderer, set[int]]] = {}  # by kind: the renderer and who uses it


class Easel:
    """A renderer that is opened at the first picture."""

    def __init__(self, renderer: str) -> None:
        self._asked = renderer
        self._kind: str | None = None

    def draw(self, snapshot: Snapshot, view: View) -> Frame:
        """The picture of a snapshot."""
        if self._kind is None:
            self._kind = resolve(self._asked)
        if self._kind not in _open:
            _open[self._kind] = (open_renderer(self._kind), set())
        renderer, users = _open[self._kind]
        users.add(id(self))
        return renderer.render(snapshot, view)

    def close(self) -> None:
        """Stop using it; the last user closes it."""
        if self._kind not in _open:
            return
        renderer, users = _open[self._kind]
        users.discard(id(self))
        if not users:
            renderer.close()
            del _open[self._kind]
