"""Every campaign of faults in its small size, as the command runs it."""

import subprocess
import sys

import pytest

from simenv.selftest import CAMPAIGNS, Campaign, Outcome, Row, table

FAILED = Outcome(1, ("trial 0: it did not",))


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda campaign: campaign.name)
def test_what_is_promised_holds(campaign: Campaign) -> None:
    command = [sys.executable, "-m", "simenv", "selftest", "faults", "--only", campaign.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"| {campaign.fault} | {campaign.holds} |" in done.stdout
    assert "| holds |" in done.stdout or "| skipped |" in done.stdout


def test_an_unknown_campaign_is_told_with_those_there_are() -> None:
    command = [sys.executable, "-m", "simenv", "selftest", "faults", "--only", "kil"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("simenv: --only: there is no campaign kil; there are kill, ")


def test_a_campaign_that_fails_is_said_to() -> None:
    bad = Campaign("x", "a fault", "a promise", 1, 2, lambda folder, trials, seed: FAILED)
    assert "| a fault | a promise | 1 | FAIL |" in table([Row(bad, FAILED, 0.0)])
