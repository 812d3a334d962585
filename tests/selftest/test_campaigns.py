"""The campaigns of faults, in a few trials; `.ci/run` runs them in their own size."""

import subprocess
import sys

import pytest

from simenv import selftest
from simenv.selftest import CAMPAIGNS, Campaign, Outcome, Row, run_campaigns, table

FAILED = Outcome(1, ("trial 0: it did not",))


@pytest.mark.parametrize(("name", "trials"), [("kill", 4), ("corrupt", 8), ("evil", 8)])
def test_what_is_promised_holds(name: str, trials: int) -> None:
    command = ["--only", name, "--trials", str(trials)]
    command = [sys.executable, "-m", "simenv", "selftest", "faults", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (campaign,) = [own for own in CAMPAIGNS if own.name == name]
    assert f"| {campaign.fault} | {campaign.holds} | {trials} | holds |" in done.stdout


def test_an_unknown_campaign_is_told_with_those_there_are() -> None:
    command = [sys.executable, "-m", "simenv", "selftest", "faults", "--only", "kil"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("simenv: --only: there is no campaign kil; there are kill, ")


def test_campaigns_at_the_same_time_are_told_in_their_order() -> None:
    rows = list(run_campaigns(only=["evil", "malformed"], trials=2, jobs=2))
    said = table(rows).splitlines()[2:]
    assert [line.split(" | ")[0] for line in said] == [
        f"| {own.fault}" for own in CAMPAIGNS if own.name in ("evil", "malformed")
    ]


def test_a_campaign_that_fails_is_said_to() -> None:
    bad = Campaign("kill", "a fault", "a promise", 1, 2, lambda folder, trials, seed: FAILED)
    assert "| a fault | a promise | 1 | FAIL |" in table([Row(bad, FAILED, 0.0)])


def test_a_campaign_with_many_failures_ends_and_says_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They go through a pipe that is read when the campaign has ended."""
    many = Outcome(5000, tuple(f"trial {k}: {'no' * 1000}" for k in range(5000)))
    bad = Campaign("bad", "a fault", "a promise", 1, 2, lambda folder, trials, seed: many)
    monkeypatch.setattr(selftest, "CAMPAIGNS", (bad,))
    (row,) = run_campaigns()
    assert row.verdict == "FAIL"
    assert [failure[:8] for failure in row.outcome.failures[:2]] == ["trial 0:", "trial 1:"]
    assert row.outcome.failures[-1] == "and 4980 more"
