"""Work on a file that crashes, hangs, or asks for all memory ends as one line."""

import time
from typing import Any

import pytest

from simenv.assets.child import call
from simenv.errors import EngineError, InputError

HERE = "tests.assets.test_limits"


def crash(request: dict[str, Any]) -> dict[str, Any]:
    import ctypes

    return {"value": ctypes.string_at(0)}


def hang(request: dict[str, Any]) -> dict[str, Any]:
    time.sleep(60)
    return {}


def hoard(request: dict[str, Any]) -> dict[str, Any]:
    return {"size": len(bytearray(10 * 2**30))}


def fail(request: dict[str, Any]) -> dict[str, Any]:
    raise ZeroDivisionError("a mistake of ours")


def shout(request: dict[str, Any]) -> dict[str, Any]:
    import os

    os.write(1, b"progress: 10 %\n" * 10)
    print("done")
    return {"got": request["give"]}


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        ("crash", InputError, "crashes the process that works on it .SIGSEGV."),
        ("hang", InputError, "takes longer than 2 s"),
        ("hoard", InputError, "needs more than 6 GB of memory"),
        ("fail", EngineError, "ZeroDivisionError: a mistake of ours"),
    ],
)
def test_a_process_that_ends_badly_is_one_line(
    function: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        call(f"{HERE}:{function}", {}, seconds=2.0)
    assert "\n" not in str(caught.value)


def test_what_libraries_print_is_not_the_answer() -> None:
    assert call(f"{HERE}:shout", {"give": 7}, seconds=20.0) == {"got": 7}
