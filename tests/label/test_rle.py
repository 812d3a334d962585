"""Run lengths are COCO's, byte for byte."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from pycocotools import mask as coco

from simenv.label.rle import decode, encode


def coco_counts(mask: NDArray[np.bool_]) -> str:
    """What the COCO API writes."""
    counts: bytes = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    return counts.decode()


@given(
    mask=arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)),
    scale=st.sampled_from([1, 7, 40]),
)
def test_a_mask_becomes_the_string_of_the_coco_api(mask: NDArray[np.bool_], scale: int) -> None:
    mask = mask.repeat(scale, axis=0).repeat(scale, axis=1)
    text = encode(mask)
    assert text == coco_counts(mask)
    assert np.array_equal(decode(text, *mask.shape), mask)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("fill", [False, True])
def test_empty_and_full_pictures_are_one_run(fill: bool) -> None:
    mask = np.full((1080, 1920), fill)
    assert encode(mask) == coco_counts(mask)
    size = {"size": [1080, 1920], "counts": encode(mask)}
    assert (coco.decode(size).astype(bool) == fill).all()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no run-length encoding"),
        ("P", "no run-length encoding"),  # says that more follows
        ("0 1", "no run-length encoding"),
        ("é", "no run-length encoding"),
        ("o" * 20 + "0", "more than 40 bits"),
        ("05", "do not add up to 2 x 3"),
        ("O6", "do not add up to 2 x 3"),  # a run of -1
    ],
)
def test_what_is_no_such_string_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        decode(text, 2, 3)
