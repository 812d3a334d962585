"""Procedural textures: deterministic, seamless, and the ones that task files may name."""

import hashlib

import numpy as np
import pytest

from simenv.render import texture
from simenv.spec.look import PROCEDURAL_TEXTURES

OLDER = (
    "rubber", "green_pvc", "concrete", "wood", "plastic", "steel", "cardboard", "checker",
)  # fmt: skip
OLDER_SHA256 = "e91b062bf98860757f2b930d4ac2c107b69d05b9d2520343419b5133ea5e6207"


def test_task_files_may_name_exactly_the_textures_there_are() -> None:
    assert set(texture.NAMES) == set(PROCEDURAL_TEXTURES)


@pytest.mark.parametrize("name", texture.NAMES)
def test_a_texture_is_an_image_and_the_same_each_time(name: str) -> None:
    image = texture.make(name)
    assert image.shape == (texture.SIZE, texture.SIZE, 3)
    assert image.dtype == np.uint8
    assert np.array_equal(image, texture.make(name))
    assert 3 < image.std() < 90, "neither flat nor noise"


@pytest.mark.parametrize("name", texture.NAMES)
@pytest.mark.parametrize("axis", [0, 1])
def test_a_texture_repeats_without_a_seam(name: str, axis: int) -> None:
    image = texture.make(name).astype(float)
    steps = np.abs(np.diff(image, axis=axis, append=image.take([0], axis=axis)))
    across = steps.mean(axis=(1 - axis, 2))  # at each line between neighbouring rows, or columns
    assert across[-1] <= 1.05 * across.max(
        initial=0, where=np.arange(len(across)) < len(across) - 1
    )


def test_textures_of_older_datasets_keep_their_pixels() -> None:
    digest = hashlib.sha256()
    for name in OLDER:
        digest.update(texture.make(name).tobytes())
    assert digest.hexdigest() == OLDER_SHA256


def test_textures_differ() -> None:
    digests = {hashlib.sha256(texture.make(name).tobytes()).digest() for name in texture.NAMES}
    assert len(digests) == len(texture.NAMES)
