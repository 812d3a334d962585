"""Does simenv keep what it promises when things go wrong? Campaigns of faults, as a table."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from simenv.errors import InputError
from simenv.selftest import (
    corrupt,
    dask,
    determinism,
    disk,
    evil,
    kill,
    locks,
    malformed,
    power,
    signals,
    soak,
    workers,
)
from simenv.selftest.campaign import Campaign, Outcome
from simenv.selftest.nursery import Child, Ended, Tell

__all__ = ["CAMPAIGNS", "Campaign", "Outcome", "Row", "run_campaigns", "table"]

POLL_S = 0.1
MOST_FAILURES, FAILURE = 20, 1000  # of a campaign that are printed, characters of one

CAMPAIGNS: tuple[Campaign, ...] = (
    Campaign(
        "kill",
        "SIGKILL of the group, random and at each fault point",
        "no committed scene lost, resume bit-identical",
        60,
        2000,
        kill.campaign,
    ),
    Campaign(
        "signals",
        "SIGTERM, SIGINT (also twice), SIGHUP, SIGPIPE; SIGSTOP of a worker",
        "the right exit status within 3 s, no orphans, resume bit-identical",
        20,
        400,
        signals.campaign,
    ),
    Campaign(
        "power",
        "power loss, modelled: every subset of unsynced operations of a recorded run",
        "no bad state",
        1,
        1,
        power.campaign,
    ),
    Campaign(
        "disk",
        "full disk, file too large, I/O error at the Nth write",
        "a clean error that names path and bytes, no signal, resume identical",
        40,
        500,
        disk.campaign,
    ),
    Campaign(
        "locks",
        "two runs on one folder; a reader during the run",
        "the second is refused before a byte changes; no reader meets an error",
        10,
        200,
        locks.campaign,
    ),
    Campaign(
        "corrupt",
        "one bit or sector corrupted anywhere; files lost, swapped, doubled, cut",
        "all found and named; repair and resume restore the hashes",
        300,
        20_000,
        corrupt.campaign,
    ),
    Campaign(
        "workers",
        "workers that crash, exit, hang in C, eat memory, print 2 GB",
        "all other scenes present and equal, the culprit named",
        6,
        300,
        workers.campaign,
    ),
    Campaign(
        "dask",
        "of two Dask workers one is killed; every other time then the scheduler",
        "the run ends, or resumes on a new cluster, with identical hashes",
        5,
        50,
        dask.campaign,
    ),
    Campaign(
        "malformed",
        "malformed tasks, objects, robots, meshes",
        "no death, no hang, no silent accept; a clear line each",
        120,
        5000,
        malformed.campaign,
    ),
    Campaign(
        "evil",
        "evil datasets and archives, and sound ones",
        "all evil ones refused, no other file opened, all sound ones accepted",
        25,
        3000,
        evil.campaign,
    ),
    Campaign(
        "determinism",
        "jobs, order, resume, extension; PYTHONHASHSEED, TZ, locale, umask, working folder",
        "byte-equal shards, manifests and index",
        12,
        40,
        determinism.campaign,
    ),
    Campaign(
        "soak",
        "a long run",
        "less than 1 MB of growth in 1,000 scenes, the last tenth as fast as the first",
        1000,
        50_000,
        soak.campaign,
    ),
)


@dataclass(frozen=True)
class Row:
    """A campaign that has run."""

    campaign: Campaign
    outcome: Outcome
    seconds: float

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.outcome.skipped:
            return "skipped"
        return "FAIL" if self.outcome.failures else "holds"


def run_campaigns(
    *,
    full: bool = False,
    only: Sequence[str] = (),
    trials: int | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> Iterator[Row]:
    """Each campaign, as it ends, in a temporary folder of its own.

    Args:
        full: the large number of trials, which takes hours.
        only: names of campaigns; default: all.
        trials: instead of the campaign's own number.
        seed: of what is random in the campaigns.
        jobs: campaigns at a time.

    Raises:
        InputError: there is no such campaign.
    """
    names = [campaign.name for campaign in CAMPAIGNS]
    for name in only:
        if name not in names:
            raise InputError(f"--only: there is no campaign {name}; there are {', '.join(names)}")
    waiting = [campaign for campaign in reversed(CAMPAIGNS) if not only or campaign.name in only]
    running: dict[Child, Campaign] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                campaign = waiting.pop()
                count = trials or (campaign.full if full else campaign.small)
                running[Child.start(partial(_run, campaign, count, seed))] = campaign
            for child in [child for child in running if child.ended]:
                yield _row(running.pop(child), child.wait())
            time.sleep(POLL_S)
    finally:
        for child in running:
            child.kill()


def _run(campaign: Campaign, trials: int, seed: int, tell: Tell) -> None:
    with tempfile.TemporaryDirectory(prefix="simenv-selftest-") as folder:
        tell(json.dumps(asdict(_short(campaign.run(Path(folder), trials, seed)))))


def _short(outcome: Outcome) -> Outcome:
    """What fits into a pipe that is read when its writer has ended."""
    shown = [failure[:FAILURE] for failure in outcome.failures[:MOST_FAILURES]]
    more = len(outcome.failures) - len(shown)
    return replace(outcome, failures=(*shown, *([f"and {more} more"] if more else [])))


def _row(campaign: Campaign, ended: Ended) -> Row:
    if ended.status != 0:
        return Row(campaign, Outcome(0, (f"it broke: {ended.printed.strip()}",)), ended.seconds)
    own = json.loads(ended.told[0])
    outcome = Outcome(**{**own, "failures": tuple(own["failures"])})
    return Row(campaign, outcome, ended.seconds)


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, in the order of `CAMPAIGNS`."""
    lines = ["| fault | must hold | trials | verdict | seen |", "|---|---|---|---|---|"]
    names = [campaign.name for campaign in CAMPAIGNS]
    for row in sorted(rows, key=lambda row: names.index(row.campaign.name)):
        seen = row.outcome.skipped or row.outcome.figures
        lines.append(
            f"| {row.campaign.fault} | {row.campaign.holds} | {row.outcome.trials} "
            f"| {row.verdict} | {seen} |"
        )
    return "\n".join(lines)
