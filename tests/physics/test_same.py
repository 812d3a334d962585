"""One scene has one outcome, whatever the World has played before."""

import subprocess
import sys

import numpy as np
import pytest

from simenv.errors import EngineError
from simenv.physics.world import World
from simenv.scene import Scene
from simenv.spec.object import Friction
from simenv.spec.task import Physics
from tests.physics.build import Item, at, ball, belt, block, can, part, scene, table, tote

GRIP = Friction(lateral=0.5, rolling=0.01, spinning=0.01)
IN_A_FRESH_PROCESS = """
import sys
from simenv.physics.world import World
from tests.physics.test_same import digest, mixed
with World() as world:
    for k in range(int(sys.argv[1])):
        world.run(mixed(k + 1))
    print(digest(world, mixed(0)))
"""


def mixed(seed: int) -> Scene:
    """A few parts of different shapes tumble onto a belt, a table or into a tote."""
    rng = np.random.default_rng(seed)
    models = [block(0.05, 0.04, 0.03), can(0.02, 0.04), ball(0.015)]
    items: list[Item] = []
    for k in range(6):
        x, y = 0.05 * (k % 2) - 0.025 + rng.uniform(-0.002, 0.002), rng.uniform(-0.01, 0.01)
        rpy_deg = tuple(rng.uniform(-180, 180, 3))
        items.append(part(models[k % 3], at(x, y, 0.5 + 0.08 * (k // 2), rpy_deg), GRIP))
    support = [belt(speed_m_s=0.2), table(), tote()][seed % 3]
    rates = Physics(rate_hz=[240.0, 480.0, 120.0][seed % 3], solver_iterations=10 + seed)
    return scene(*items, support, physics=rates, frames=3, gravity_m_s2=[9.81, 3.7][seed % 2])


def digest(world: World, scene: Scene) -> str:
    """All bits of an outcome."""
    outcome = world.run(scene)
    parts = [outcome.reason, outcome.duration_s.hex(), outcome.penetration_m.hex()]
    for snapshot in outcome.snapshots:
        parts += [snapshot.time_s.hex(), snapshot.X_WB.tobytes().hex()]
        parts.append(snapshot.velocity.tobytes().hex())
    return " ".join(parts)


def test_a_scene_is_bit_identical_whatever_ran_before() -> None:
    digests = set()
    for before in (0, 1, 5):
        command = [sys.executable, "-c", IN_A_FRESH_PROCESS, str(before)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        digests.add(next(line for line in done.stdout.splitlines() if "0x" in line))
    assert len(digests) == 1
    assert len(digests.pop()) > 1000


def test_rejected_scenes_leave_no_trace() -> None:
    with World() as fresh:
        expected = digest(fresh, mixed(0))
    with World() as world:
        items = [part(ball(0.02), at(0, 0, 0.5)), part(ball(0.02), at(0.01, 0, 0.5))]
        assert world.run(scene(*items, belt(speed_m_s=1.0))).reason == "overlap_spawn"
        assert digest(world, mixed(0)) == expected


def test_two_worlds_at_once_do_not_mix() -> None:
    with World() as a, World() as b:
        first = digest(a, mixed(0))
        assert digest(b, mixed(1)) != first
        assert digest(b, mixed(0)) == first
        assert digest(a, mixed(0)) == first


def test_a_closed_world_says_so() -> None:
    with World() as world:
        pass
    world.close()
    with pytest.raises(EngineError, match="this World is closed; make another one"):
        world.run(mixed(0))
