"""Any order of making, extending, killing, damaging, repairing and merging, against a small model.

The model knows which shards must stand. A shard's bytes depend on its number alone, so one calm run
says what each of them is.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from simenv.dataset.lock import Lock
from simenv.dataset.merge import merge
from simenv.dataset.read import Dataset
from simenv.dataset.repair import DAMAGED, repair
from simenv.dataset.store import INDEX, committed, manifest_path, shard_name
from simenv.dataset.validate import Finding, validate
from simenv.errors import InputError
from simenv.export import export
from simenv.fault import STEPS
from simenv.selftest.nursery import in_child
from simenv.selftest.small import SHARD, Run

MOST = 4  # shards
DAMAGE = (
    "bit of the shard",
    "bit of the manifest",
    "bit of the index",
    "shard lost",
    "manifest lost",
)
TRUTH: dict[str, bytes] = {}


def calm() -> dict[str, bytes]:
    """Shards and manifests of an undisturbed run."""
    if not TRUTH:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            Run(MOST * SHARD).into(out)
            for number in range(MOST):
                for path in (out / shard_name(number), manifest_path(out, number)):
                    TRUTH[path.name] = path.read_bytes()
    return TRUTH


class Machine(RuleBasedStateMachine):
    """A folder, and what it should hold."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.out = self.home / "out"
        self.asked = 0  # shards
        self.standing: set[int] = set()
        self.broken: set[int] = set()  # their data is wrong or lost
        self.doubtful: set[int] = set()  # their data is right, what proves it is wrong or lost
        self.index_broken = False
        calm()

    @property
    def hurt(self) -> bool:
        """Whether anything is wrong that repair should mend."""
        return bool(self.broken or self.doubtful or self.index_broken)

    def teardown(self) -> None:
        shutil.rmtree(self.home)

    @precondition(lambda self: not self.hurt)
    @rule(more=st.integers(0, 2))
    def generate(self, more: int) -> None:
        self.asked = min(MOST, max(1, self.asked + more))
        assert in_child(lambda tell: Run(self.asked * SHARD).status(self.out)).status == 0
        self.standing = set(range(self.asked))
        assert self.findings() == ()

    @precondition(lambda self: not self.hurt)
    @rule(step=st.sampled_from(STEPS), at=st.integers(0, 7))
    def kill(self, step: str, at: int) -> None:
        self.asked = max(1, self.asked)
        fault = f"killgroup@{step}:{at}"
        ended = in_child(lambda tell: Run(self.asked * SHARD).status(self.out), fault=fault)
        after = set(committed(self.out, check_sha256=True))
        with Lock(self.out):  # the next run finishes the commit that was cut short
            assert set(committed(self.out)) == after
        assert self.standing <= after <= set(range(self.asked))
        assert ended.signal is not None or after == set(range(self.asked))
        self.standing = after

    @precondition(lambda self: self.standing - self.broken - self.doubtful)
    @rule(data=st.data(), what=st.sampled_from(DAMAGE))
    def corrupt(self, data: st.DataObject, what: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.standing - self.broken - self.doubtful)))
        shard, manifest = self.out / shard_name(number), manifest_path(self.out, number)
        if "index" in what:
            if not (self.out / INDEX).exists():
                return
            self.index_broken = True
        else:
            (self.broken if "shard" in what else self.doubtful).add(number)
        path = self.out / INDEX if "index" in what else shard if "shard" in what else manifest
        if "lost" in what:
            path.unlink()
        else:
            content = bytearray(path.read_bytes())
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(
                st.integers(0, 7)
            )
            path.write_bytes(content)
        self.damage_is_named()

    def damage_is_named(self) -> None:
        said = " ".join(f"{finding.file} {finding.what}" for finding in self.findings())
        assert all(Path(shard_name(number)).stem in said for number in self.broken | self.doubtful)
        assert INDEX in said or not self.index_broken

    def findings(self) -> tuple[Finding, ...]:
        return validate(self.out).findings

    @precondition(lambda self: self.standing)
    @rule()
    def mend(self) -> None:
        proven = (self.out / INDEX).exists() and not self.index_broken
        list(repair(self.out))
        assert list(repair(self.out)) == []
        shutil.rmtree(self.out / DAMAGED, ignore_errors=True)
        after = set(committed(self.out, check_sha256=True))
        sure = self.standing - self.broken
        assert (sure if proven else sure - self.doubtful) <= after <= sure
        self.standing, self.broken, self.doubtful = after, set(), set()
        self.index_broken = False
        if after == set(range(len(after))) and after:
            assert self.findings() == ()

    @precondition(lambda self: self.standing and not self.hurt)
    @rule(cut=st.integers(0, MOST))
    def part_and_merge(self, cut: int) -> None:
        parts = [self.home / name for name in ("a", "b")]
        for part in parts:
            shutil.copytree(self.out, part)
            (part / INDEX).unlink(missing_ok=True)
        for number in self.standing:
            part = parts[number < cut]
            (part / shard_name(number)).unlink()
            manifest_path(part, number).unlink()
        kept = [part for part in parts if committed(part)]
        shutil.rmtree(self.out)
        assert merge(kept, self.out).shards == len(self.standing)
        for part in parts:
            shutil.rmtree(part)

    @precondition(lambda self: not self.hurt)
    @rule()
    def read_and_export(self) -> None:
        if not self.standing:
            with pytest.raises(InputError):
                Dataset(self.out)
            return
        with Dataset(self.out) as dataset:
            scenes = dataset.table("scenes")["index"].tolist()
        assert scenes == [
            SHARD * number + k for number in sorted(self.standing) for k in range(SHARD)
        ]
        export(self.out, "coco", self.home / "coco")
        shutil.rmtree(self.home / "coco")

    @invariant()
    def what_stands_is_true(self) -> None:
        for number in getattr(self, "standing", set()) - self.broken - self.doubtful:
            for path in (self.out / shard_name(number), manifest_path(self.out, number)):
                assert path.read_bytes() == calm()[path.name]


def test_any_order_of_operations_keeps_what_was_committed() -> None:
    own = settings(max_examples=4, stateful_step_count=7, deadline=None, database=None)
    run_state_machine_as_test(Machine, settings=own)
