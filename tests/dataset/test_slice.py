"""Slices cut a plan without a rest, and say what a wrong one should have been."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simenv.dataset.slice import Slice
from simenv.errors import InputError

SLURM = {"ID": "7", "MIN": "5", "MAX": "8", "COUNT": "4"}


def slurm(**words: str) -> dict[str, str]:
    return {f"SLURM_ARRAY_TASK_{key}": value for key, value in (SLURM | words).items()}


@given(st.integers(1, 40), st.integers(0, 10_000))
def test_every_shard_is_of_exactly_one_slice(count: int, shard: int) -> None:
    assert sum(Slice(index, count).owns(shard) for index in range(count)) == 1


@pytest.mark.parametrize("text", ["0/1", "0/4", "3/4", "11/12"])
def test_a_slice_is_written_as_it_is_read(text: str) -> None:
    assert str(Slice.parse(text, {})) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4/4", "--shard: 4/4 is no slice; i counts from 0: 0/4 to 3/4"),
        ("0/0", "--shard: 0/0 is no slice; there must be one or more"),
        ("-1/4", "--shard: '-1/4' is no slice; write i/n, such as 0/4, or auto"),
        ("1of4", "--shard: '1of4' is no slice; write i/n, such as 0/4, or auto"),
        ("²/4", "--shard: '²/4' is no slice; write i/n, such as 0/4, or auto"),
    ],
)
def test_a_wrong_slice_is_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        Slice.parse(text, {})
    assert str(caught.value) == said


def test_auto_is_the_task_of_a_slurm_array_wherever_it_begins() -> None:
    assert Slice.parse("auto", slurm()) == Slice(2, 4)


def test_auto_is_the_index_of_a_kubernetes_job() -> None:
    job = {"JOB_COMPLETION_INDEX": "3", "JOB_COMPLETIONS": "8"}
    assert Slice.parse("auto", job) == Slice(3, 8)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set"),
        (slurm(COUNT="2"), "the array has 2 tasks from 5 to 8, so it has gaps; use --array=0-N"),
        (slurm(ID="nine"), "SLURM_ARRAY_TASK_ID is 'nine'; set it to a whole number"),
        ({"JOB_COMPLETION_INDEX": "3"}, "JOB_COMPLETIONS is not set; set it to a whole number"),
    ],
)
def test_auto_says_what_it_does_not_find(environment: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match="write --shard i/n") as caught:
        Slice.parse("auto", environment)
    assert said in str(caught.value)
