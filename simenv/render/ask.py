"""How a question that may kill the process that asks it is put: to a process of its own."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "answer", "ask"]

LAST_WORDS = 3  # lines of output that go into the reason
MARK = "simenv-probe"


@dataclass(frozen=True)
class Answer:
    """What the process said."""

    value: Any  # what it passed to `answer`; None if it did not come to that
    text: str  # all that it printed, the driver's words included
    reason: str = ""  # why there is no value


def ask(function: str, timeout_s: float) -> Answer:
    """Call ``module:name`` in a fresh Python, which calls `answer` once."""
    module, name = function.split(":")
    command = [sys.executable, "-c", f"from {module} import {name}; {name}()"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(None, "", f"no answer within {timeout_s:g} s")
    text = done.stdout.decode(errors="replace")
    verdict = re.search(rf"^{MARK} (.*)$", text, re.MULTILINE)
    if done.returncode == 0 and verdict is not None:
        return Answer(json.loads(verdict[1]), text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("pybullet build time")]
    words = "; ".join(lines[-LAST_WORDS:]) or "no output"
    return Answer(None, text, f"exit status {done.returncode}: {words}")


def answer(value: Any) -> None:
    """Hand a JSON value to the process that asked."""
    print(f"\n{MARK} {json.dumps(value)}", flush=True)
