"""A fault happens where and how it was asked for, and nowhere else."""

import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from simenv import fault
from simenv.errors import InputError
from simenv.selftest.nursery import in_child
from simenv.selftest.small import Run, command


@pytest.fixture(autouse=True)
def _nothing_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault._Passed, "times", Counter[str]())


def test_without_the_variable_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(fault.VARIABLE, raising=False)
    for step in fault.STEPS:
        fault.point(step, 1)


def test_a_numbered_step_is_met_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fault.VARIABLE, "fail@scene:5")
    fault.point("scene", 4)
    fault.point("shard", 5)
    with pytest.raises(RuntimeError, match="a fault was asked for"):
        fault.point("scene", 5)


def test_another_step_is_met_at_its_nth_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fault.VARIABLE, "eio@sync:3, enospc@write:2")
    fault.point("write")
    with pytest.raises(OSError, match="No space left on device"):
        fault.point("write")
    fault.point("sync")
    fault.point("sync")
    with pytest.raises(OSError, match="Input/output error"):
        fault.point("sync")


def test_a_try_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fault.VARIABLE, "fail@scene:5#1")
    fault.point("scene", 5, attempt=2)
    with pytest.raises(RuntimeError):
        fault.point("scene", 5, attempt=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kill", "'kill' is no fault; write for example kill@scene:5"),
        ("burn@scene:5", "burn@scene:5: no such action; there are kill, killgroup"),
        ("kill@sceen:5", "kill@sceen:5: no such step; there are shard, scene"),
    ],
)
def test_a_wrong_fault_is_told(text: str, said: str) -> None:
    with pytest.raises(InputError, match="SIMENV_FAULT: ") as caught:
        fault.faults(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("action", "number"),
    [("kill", signal.SIGKILL), ("segv", signal.SIGSEGV), ("abort", signal.SIGABRT)],
)
def test_a_signal_ends_the_process(action: str, number: int) -> None:
    ended = in_child(lambda tell: fault.point("scene", 1), fault=f"{action}@scene")
    assert (ended.status, ended.signal) == (None, number)


def test_a_child_can_leave_or_hang() -> None:
    left = in_child(lambda tell: fault.point("scene", 1), fault="exit@scene")
    assert (left.status, left.hung) == (0, False)
    stuck = in_child(lambda tell: fault.point("scene", 1), fault="hang@scene", limit_s=0.3)
    assert stuck.hung


def test_a_childs_words_survive_it() -> None:
    def work(tell: object) -> None:
        assert callable(tell)
        tell("one")
        print("two", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    ended = in_child(work)
    assert ended.told == ("one",)
    assert ended.printed == "two\n"


def test_a_wrong_fault_is_told_before_anything_is_made(tmp_path: Path) -> None:
    task, out = tmp_path / "task.yaml", tmp_path / "out"
    words = command(Run(2), task, out)
    environment = {**os.environ, fault.VARIABLE: "kill@scenes:1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == InputError.exit_status
    assert done.stderr.startswith("simenv: SIMENV_FAULT: kill@scenes:1: no such step; there are ")
    assert not out.exists()
