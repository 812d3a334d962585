"""Filling chooses the scenes that close holes, says so first, and gives the same after a kill."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simenv.audit.joint import joints, singles
from simenv.audit.observe import observe
from simenv.dataset.fills import FillRound, commit_fill, read_fills
from simenv.dataset.validate import validate
from simenv.errors import InputError
from simenv.fill import fill
from simenv.fill.candidates import candidates
from simenv.fill.chance import Chances
from simenv.fill.choose import choose
from simenv.fill.draw import Draw
from simenv.fill.learn import Learned
from simenv.fill.start import starts
from simenv.fill.trial import tried
from simenv.generate import Plan, Summary, generate, produce
from simenv.rerender import rerender
from simenv.spec.load import Task, load_task, with_values
from simenv.verify import verify

PROJECT = Path(__file__).parents[1] / "data/project"
BEGUN = 12


@pytest.fixture(scope="module")
def task() -> Task:
    """One or two primitives on a belt, one camera of few pixels, one frame."""
    small = {
        "cameras.overhead.resolution": (32, 24),
        "cameras.overhead.K": {"fx": 30, "fy": 30},
        "cameras.side.resolution": (8, 8),
        "capture.frames": 1,
    }
    return with_values(load_task(PROJECT / "tasks/mini.yaml"), small)


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's objects, wherever the tests run, and rounds that a test has time for."""
    monkeypatch.setenv("SIMENV_PATH", str(PROJECT))
    monkeypatch.setattr("simenv.fill.plan.POOL", 96)
    monkeypatch.setattr("simenv.fill.plan.TRIALS", 3)
    monkeypatch.setattr("simenv.fill.LEAST_ROUND", 4)


@pytest.fixture(scope="module")
def begun(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with holes."""
    out = tmp_path_factory.mktemp("begun") / "out"
    generate(task, out, scenes=BEGUN, jobs=0, renderer="tiny")
    return out


@pytest.fixture
def copy(begun: Path, tmp_path: Path) -> Path:
    """The dataset with holes, to write into."""
    return Path(shutil.copytree(begun, tmp_path / "copy"))


def content(out: Path) -> dict[str, bytes]:
    """All files but those with clocks."""
    names = [*out.glob("*.h5"), *out.glob("manifest/*"), out / "run.json"]
    return {str(path.relative_to(out)): path.read_bytes() for path in names}


def draw(task: Task) -> Draw:
    """As `generate` draws."""
    return Draw(task, seed=0, tier="core", look_seed=None, at_day=0.0)


def test_fill_adds_rounds_and_a_killed_one_ends_in_the_same_bytes(
    copy: Path, begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = fill(copy, max_scenes=BEGUN + 8, jobs=0)
    assert (done.scenes_before, done.scenes, done.rounds) == (BEGUN, BEGUN + 8, 2)
    assert done.before < done.after
    first, second = read_fills(copy)
    assert [*first.scenes, *second.scenes] == sorted({*first.scenes, *second.scenes})
    assert first.scenes[0] >= BEGUN
    assert observe(copy).scenes["index"].tolist() == [*range(BEGUN), *first.scenes, *second.scenes]
    assert not validate(copy).findings
    assert fill(copy, max_scenes=BEGUN + 8, jobs=0).rounds == 2

    killed = Path(shutil.copytree(begun, tmp_path / "killed"))

    def dies(plan: Plan, *rest: Any, **options: Any) -> Summary:
        """Once when the second round is written down, once when a shard of it is not yet made."""
        if len(plan.fills) == 2 and len(read_fills(killed)) == 1:
            commit_fill(killed, plan.fills[1])
            raise KeyboardInterrupt
        made = produce(plan, *rest, **options)
        if len(plan.fills) == 2:
            (killed / "shard-00002.h5").unlink()
            (killed / "dataset.h5").unlink()
            raise KeyboardInterrupt
        return made

    with monkeypatch.context() as patch:
        patch.setattr("simenv.fill.produce", dies)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                fill(killed, max_scenes=BEGUN + 8, jobs=0)
    assert fill(killed, max_scenes=BEGUN + 8, jobs=0).text == done.text
    assert content(killed) == content(copy)


def test_generate_finishes_a_filled_dataset_and_refuses_another_size(
    copy: Path, task: Task, tmp_path: Path
) -> None:
    fill(copy, max_scenes=BEGUN + 4, jobs=0)
    whole = content(copy)
    (copy / "shard-00001.h5").unlink()
    generate(task, copy, scenes=BEGUN, jobs=0, renderer="tiny")
    assert content(copy) == whole
    with pytest.raises(InputError, match=r"was filled when it had 12 scenes.*ask for 12"):
        generate(task, copy, scenes=BEGUN + 8, jobs=0, renderer="tiny")
    assert [line.split(":")[0] for line in verify(copy, scenes=20)][-1] == (
        f"scene {read_fills(copy)[0].scenes[-1]}"
    )
    rerender(copy, tmp_path / "twin", jobs=0, look_seed=3)
    assert read_fills(tmp_path / "twin") == read_fills(copy)
    assert not validate(tmp_path / "twin").findings
    with pytest.raises(InputError, match=r"drawn from another dataset's poses; fill that one"):
        fill(tmp_path / "twin", max_scenes=40)


def test_validate_misses_an_added_scene_and_finds_a_stranger(copy: Path) -> None:
    fill(copy, max_scenes=BEGUN + 4, jobs=0)
    path = copy / "manifest/fill-000.json"
    scenes = FillRound.read(path).scenes
    path.write_bytes(replace(FillRound.read(path), scenes=(*scenes[:-1], 9999)).text)
    said = [str(finding) for finding in validate(copy).findings]
    assert said == [
        f"{copy.name}: scene 9999: is in no shard",
        f"shard-00001.h5: scene {scenes[-1]}: is of no round that was added",
    ]
    path.write_text("{")
    assert "manifest/fill-000.json: cannot be read" in str(validate(copy).findings[0])


def test_what_cannot_be_filled_is_refused_with_the_way_out(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--coverage: 95 is no share; use more than 0"):
        fill(copy, max_scenes=20, coverage=95)
    (copy / "dataset.h5").unlink()
    with pytest.raises(InputError, match=r"was interrupted; finish it with simenv generate first"):
        fill(copy, max_scenes=20)
    with pytest.raises(InputError, match=r"is not the folder of a run"):
        fill(tmp_path, max_scenes=20)


def test_a_round_can_only_follow_the_last_one(tmp_path: Path) -> None:
    own = FillRound(0, 4, (7, 9), 0.5, 0.95, 20)
    commit_fill(tmp_path, own)
    assert read_fills(tmp_path) == (own,)
    with pytest.raises(InputError, match="another run filled it meanwhile"):
        commit_fill(tmp_path, own)


def test_nothing_is_added_to_a_dataset_that_covers_what_is_wanted(copy: Path) -> None:
    done = fill(copy, max_scenes=100, coverage=0.05, jobs=0)
    assert done.reached
    assert done.rounds == 0
    assert done.before == done.after


def test_candidates_are_the_scenes_that_would_be_made(task: Task, begun: Path) -> None:
    known = observe(begun)
    found = candidates(draw(task), singles(known), [draw(task)(k) for k in range(BEGUN)])
    assert found.numbers.tolist() == list(range(BEGUN))
    for title, cells in found.scene.items():
        assert cells.tolist() == known[title].cells.tolist(), title
    classes = known["class"]
    made = sorted(zip(known.scene_of["part"].tolist(), classes.cells.tolist(), strict=True))
    drawn = sorted(zip(found.owner.tolist(), found.part["class"].tolist(), strict=True))
    assert made == drawn


def test_axes_of_parts_make_no_difference_to_those_of_the_scene(task: Task) -> None:
    for scene in (3, 77):
        whole, all_ = draw(task).whole(scene), draw(task)(scene)
        assert whole.values == all_.values
        assert not whole.part_values


def test_chances_of_what_is_drawn_are_certain_and_of_the_rest_between(
    task: Task, begun: Path
) -> None:
    known = observe(begun)
    own, samples = singles(known), [draw(task)(k) for k in range(BEGUN)]
    found, start = candidates(draw(task), own, samples), starts(draw(task), samples)
    chances = Chances(found, start, Learned(known, own, start))
    drawn = set(found.scene) | set(found.part)
    for joint in joints(known):
        a, b = np.nonzero(np.ones_like(joint.scenes))
        given = chances.joint(joint, a, b)
        assert given.shape == (BEGUN, joint.scenes.size)
        assert (given >= 0).all()
        assert (given <= 1).all()
        if {joint.one.name, joint.other.name} <= drawn:
            assert (given.sum(axis=0) == joint.scenes.ravel()).all(), joint.one.name


def test_shares_of_a_part_add_up_and_follow_those_that_started_alike(
    task: Task, begun: Path
) -> None:
    known = observe(begun)
    own, start = singles(known), starts(draw(task), [draw(task)(k) for k in range(BEGUN)])
    learned = Learned(known, own, start)
    for title in ("face", "orientation", "neighbours", "overhead: u"):
        assert learned.shares(title, start).sum(axis=1) == pytest.approx(1), title
    ended = known["face"].cells[learned.row_start.argsort(kind="stable")]
    assert (np.take_along_axis(learned.shares("face", start), ended[:, None], axis=1) > 0).all()


def test_a_trial_knows_how_parts_lie_and_nearly_where_they_are_seen(
    task: Task, begun: Path
) -> None:
    known = observe(begun)
    after = tried(draw(task), singles(known), range(BEGUN))
    assert after.found.numbers.tolist() == list(range(BEGUN))
    for title in ("class", "face", "orientation", "neighbours"):
        assert after.found.part[title].tolist() == known[title].cells.tolist(), title
    for title in ("overhead: u", "overhead: v", "overhead: distance_m"):
        rows = known.part_of["view/overhead"]
        right = after.found.part[title][rows] == known[title].cells
        assert right.mean() > 0.85, title


def test_the_greedy_choice_covers_what_two_rows_can() -> None:
    rows = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1]], dtype=np.float32)
    every = np.ones(6, bool)
    assert choose(rows, every, most=3, enough=np.inf).tolist() == [0, 2]
    assert choose(rows, every, most=1, enough=np.inf).tolist() == [0]
    assert choose(rows, every, most=3, enough=3).tolist() == [0]
    assert choose(rows, np.arange(6) < 1, most=3, enough=1).tolist() == [0]
    assert choose(rows, ~every, most=3, enough=np.inf).tolist() == []
    assert choose(np.zeros((4, 6), np.float32), every, most=3, enough=np.inf).tolist() == []
