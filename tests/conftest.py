"""What tests share: one EGL renderer for all of them, because a process can hold only one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simenv.render.choose import open_renderer
from simenv.render.renderer import Renderer


class _Shared:
    """The renderers of this test process, opened when first asked for."""

    def __init__(self) -> None:
        self.opened: dict[str, Renderer] = {}

    def get(self, name: str) -> Renderer:
        if name not in self.opened:
            self.opened[name] = open_renderer(name)
        return self.opened[name]

    def close(self, name: str) -> None:
        if name in self.opened:
            self.opened.pop(name).close()


@pytest.fixture(scope="session")
def _renderers() -> Iterator[_Shared]:
    shared = _Shared()
    yield shared
    for name in list(shared.opened):
        shared.close(name)


@pytest.fixture
def egl(_renderers: _Shared) -> Renderer:
    """The EGL renderer. Fails, and never skips, where EGL does not work."""
    return _renderers.get("egl")


@pytest.fixture
def tiny(_renderers: _Shared) -> Renderer:
    """A TinyRenderer."""
    return _renderers.get("tiny")


@pytest.fixture(params=["egl", "tiny"])
def renderer(request: pytest.FixtureRequest, _renderers: _Shared) -> Renderer:
    """Each renderer in turn."""
    return _renderers.get(request.param)


@pytest.fixture
def egl_closed(_renderers: _Shared) -> None:
    """For tests whose subject opens EGL itself in this process: the shared one gives way."""
    _renderers.close("egl")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs EGL: ``pytest -m 'not egl'`` leaves it out on purpose."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        needs_egl = {"egl", "egl_closed"} & set(fixtures) or parameters.get("renderer") == "egl"
        if needs_egl:
            item.add_marker(pytest.mark.egl)
