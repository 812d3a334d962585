"""The status of a run is what its folder says, while it works, when it is cut short, at its end."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simenv.errors import InputError
from simenv.generate.shard import LOG
from simenv.generate.status import Status, run_status
from simenv.selftest.nursery import Child, in_child
from simenv.selftest.small import Run

SCENES = 6  # in three shards


@contextmanager
def running(run: Run, out: Path, fault: str) -> Iterator[Child]:
    """A run at work, in a process of its own; it is killed."""
    child = Child.start(lambda tell: run.status(out), fault=fault)
    try:
        yield child
    finally:
        child.kill(signal.SIGCONT)
        child.kill()
        child.wait()


def soon(out: Path, wanted: Callable[[Status], bool]) -> Status:
    """The status, as soon as it is as wanted."""
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        if (out / LOG).exists() and wanted(found := run_status(out)):
            return found
        time.sleep(0.01)
    raise AssertionError(run_status(out).text)


def test_a_run_at_work_is_seen_without_disturbing_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(Run(SCENES), out, "stop@log:6") as child:
        found = soon(out, lambda status: status.made == 5)
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        assert run_status(out).made == 5
        assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert (found.state, found.scenes, found.committed) == ("running", SCENES, 4)
    assert found.holders[0].startswith(f"pid {child.pid} on ")
    assert found.memory_mb > 10
    assert sum(found.outcomes.values()) == 5
    assert f"{out}: running (pid {child.pid}" in found.text
    assert "5 of 6 scenes, 4 of them committed" in found.text


def test_each_worker_says_where_it_is(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(Run(SCENES, jobs=1), out, "stop@scene:3"):
        found = soon(out, lambda status: [own.scene for own in status.workers] == [3])
    (worker,) = found.workers
    assert (worker.shard, worker.scene) == (1, 3)
    assert worker.memory_mb > 10
    assert f"{worker.pid}: scene 3 of shard 1 for " in found.text


def test_a_run_that_was_killed_tells_what_resumes_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert in_child(lambda tell: Run(SCENES).status(out), fault="kill@scene:3").signal
    found = run_status(out)
    assert (found.state, found.made, found.committed) == ("interrupted", 2, 2)
    assert len(found.commands) == 1
    assert f"resume with  {found.commands[0]}" in found.text
    Run(SCENES).into(out)
    ended = run_status(out)
    assert (ended.state, ended.made, ended.commands) == ("finished", SCENES, ())
    assert json.loads(ended.json)["committed"] == SCENES


def test_a_rate_is_that_of_the_run_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    out = tmp_path / "out"
    Run(SCENES).into(out)
    calm = run_status(out)
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    seconds = lines[-1]["unix_s"] - lines[0]["unix_s"]
    assert calm.scenes_per_s == pytest.approx(SCENES / seconds)
    with (out / LOG).open("ab") as log:
        log.write(b'{"unix_s": 17')
    assert run_status(out, now_s=time.time()).outcomes == calm.outcomes
    later = run_status(out, now_s=lines[-1]["unix_s"] + 60)
    assert later.silent_s == pytest.approx(60)


def test_where_there_is_no_run_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; name the --out of a simenv generate"):
        run_status(tmp_path / "none")
    with pytest.raises(InputError, match=r"run\.json: cannot be read"):
        run_status(tmp_path)
    Run(2).into(tmp_path / "one.h5")
    with pytest.raises(InputError, match="is finished, and a single file keeps no log"):
        run_status(tmp_path / "one.h5")


def test_another_process_with_the_number_of_a_dead_run_is_not_taken_for_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    Run(SCENES).into(out)
    (out / "dataset.h5").unlink()
    (out / ".lock").write_text(f"pid {os.getpid()} on here\n")
    assert run_status(out).state != "running"
