"""What is wrong with an environment is one line with the way out."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from simenv.envs.env import TaskEnv
from simenv.errors import InputError

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("table_clutter", {}, "has no env section; add scene.robot, success and env"),
    ("table_pick", {"observe": ("state", "thermal")}, "cannot observe 'thermal'; there is state"),
    ("table_pick", {"observe": ()}, "observe is empty; name some of state"),
    ("table_pick", {"render_mode": "ansi"}, "no render_mode 'ansi'; there is rgb_array, human"),
    ("table_pick", {"values": {"env.control.kind": "torque"}}, "ee_delta"),
    ("table_pick", {"values": {"env.sped": 1}}, "no such path"),
    ("table_pick", {"values": {"scene.robot.use": "pandda"}}, "did you mean panda"),
    ("table_pick", {"values": {"scene.robot.use": "arm6"}}, "has no gripper to drive"),
    ("table_pick", {"values": {"success.carried.zone": "sky"}}, "no zone sky"),
    ("table_pikc", {}, "no task table_pikc; did you mean table_pick"),
]


@pytest.mark.parametrize(("task", "kwargs", "text"), CASES, ids=[case[2][:30] for case in CASES])
def test_bad_input_is_told(task: str, kwargs: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        TaskEnv(task, **kwargs)
    assert text in str(caught.value)


def test_human_mode_without_a_display_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(InputError, match="needs a display, and there is none; use rgb_array"):
        TaskEnv("table_pick", render_mode="human")


def test_a_step_before_reset_is_told() -> None:
    env = TaskEnv("table_pick")
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset before step"):
        env.step(np.zeros(5, dtype=np.float32))
