"""One World for the tests of a module: scenes must not know of each other anyway."""

from collections.abc import Iterator

import pytest

from simenv.physics.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A world that other tests have used before."""
    with World() as world:
        yield world
