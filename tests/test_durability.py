"""kill -9 loses nothing that was committed: the campaign of benchmarks/kill.py, in a small size."""

from pathlib import Path

from benchmarks.kill import campaign


def test_killed_runs_lose_no_committed_scene_and_resume_to_the_same_bytes(tmp_path: Path) -> None:
    figures = campaign(tmp_path, kills=5, scenes=64, seed=11)
    assert figures.kills + figures.late == 5
    assert figures.kills >= 1  # else nothing was disturbed
    assert figures.kept >= 1  # else nothing was there to be lost
    assert figures.scenes_read >= 16 * figures.kept  # mini.yaml has 16 scenes in a shard
    assert figures.finished >= 1
    assert figures.text.startswith(f"{figures.kills} kills of a run at work")
