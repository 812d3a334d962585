"""What the author of a script is told who forgot that workers run it again."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
from simenv.generate import generate
generate("bin_pick", "out", scenes=1, jobs=1, renderer="tiny")
"""


def test_a_script_without_a_guard_is_told_so_in_a_line(tmp_path: Path) -> None:
    script = tmp_path / "make.py"
    script.write_text(SCRIPT)
    ended = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 1
    assert 'put what it does under if __name__ == "__main__":' in ended.stderr
    assert "spawn_main" not in ended.stderr, "a worker ends without a traceback"
    assert not list((tmp_path / "out").glob("shard-*"))
