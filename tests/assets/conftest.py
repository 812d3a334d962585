"""A cache of hulls of the tests' own."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where hulls are kept from test to test, not the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache))
    return _cache
