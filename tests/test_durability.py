"""kill -9 loses nothing that was committed: the campaign of benchmarks/kill.py, in a small size."""

from pathlib import Path

from benchmarks.kill import campaign


def test_killed_runs_lose_no_committed_scene_and_resume_to_the_same_bytes(tmp_path: Path) -> None:
    figures = campaign(tmp_path, kills=5, scenes=64, seed=11)
    assert figures.startswith("5 kills, ")
    assert "none lost" in figures
