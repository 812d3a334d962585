"""What can be asked from a shell. No logic here: each command calls one function."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from simenv import fault
from simenv.errors import CheckFailed, InputError, Interrupted, SimenvError, StorageError
from simenv.line import plain
from simenv.system import missing_libraries

__all__ = ["main"]

CLOSED = 128 + signal.SIGPIPE  # nobody reads the output any more; what was to be done is done

app = typer.Typer(
    name="simenv",
    help="One YAML file describes a narrow domain; simenv turns it into labelled datasets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class RendererName(str, Enum):
    """Renderers that `--renderer` takes."""

    auto = "auto"
    egl = "egl"
    tiny = "tiny"
    raster = "raster"


class Tier(str, Enum):
    """Ranges that `--tier` takes."""

    core = "core"
    edge = "edge"
    all = "all"


class Keep(str, Enum):
    """Which episodes `--keep` keeps."""

    all = "all"
    success = "success"


class ExportFormat(str, Enum):
    """Formats that `--to` takes."""

    bop = "bop"
    coco = "coco"
    cornell = "cornell"
    jacquard = "jacquard"
    minari = "minari"
    robomimic = "robomimic"
    lerobot = "lerobot"
    acronym = "acronym"
    graspnet = "graspnet"
    isaac_grasp = "isaac_grasp"


class Categories(str, Enum):
    """What `--categories` takes."""

    class_ = "class"
    object = "object"


Jobs = Annotated[int, typer.Option(min=0, help="Worker processes; 0: in this one.")]
Devices = Annotated[str, typer.Option(help="GPUs that the workers share, such as 0,1.")]
DatasetPath = Annotated[Path, typer.Argument(help="A dataset: the folder or the .h5 file.")]


def _say(what: object, *, err: bool = False, nl: bool = True) -> None:
    """Print; nothing that a file or a name holds steers the terminal."""
    typer.echo(plain(str(what)), err=err, nl=nl)


@app.command("list")
def list_() -> None:
    """What there is: tasks, objects and robots, built in, in $SIMENV_PATH and here."""
    from simenv.spec.catalog import Kind, names

    kinds: tuple[Kind, ...] = ("tasks", "objects", "robots")
    for kind in kinds:
        _say(f"{kind}:")
        for name in names(kind, near=Path.cwd()):
            _say(f"  {name}")


@app.command()
def doctor(
    robot: Annotated[
        str | None, typer.Option(help="Check this robot of the catalog instead, or its folder.")
    ] = None,
    gripper: Annotated[str | None, typer.Option(help="Mounted on the robot's flange.")] = None,
) -> None:
    """Check this machine: libraries, engines, a rendered picture against the golden one."""
    from simenv.doctor import examine, examine_robot

    if robot is None and gripper is not None:
        raise InputError(f"--gripper {gripper} needs an arm; a gripper alone is a --robot, too")
    failed = False
    for line in examine() if robot is None else examine_robot(robot, gripper):
        _say(str(line))
        failed |= line.verdict == "FAIL"
    if failed and robot is not None:
        raise CheckFailed(f"{robot} is not yet what its files say; see the lines marked FAIL")
    if failed:
        raise CheckFailed("this machine cannot generate datasets yet; see the lines marked FAIL")


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="task or object")] = "task",
) -> None:
    """Print the JSON Schema of task (or object) files, for editors."""
    from simenv.spec.load import schema as json_schema

    _say(json.dumps(json_schema(kind), indent=2))


@app.command()
def generate(
    task: Annotated[str, typer.Argument(help="A task's name, or the path of a task file.")],
    scenes: Annotated[int, typer.Option(help="Scenes of the finished dataset.")],
    out: Annotated[str, typer.Option(help="A folder, a file that ends in .h5, or s3://... .")],
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    jobs: Jobs = 1,
    renderer: Annotated[RendererName, typer.Option(help="auto: egl if it works.")] = (
        RendererName.auto
    ),
    tier: Annotated[Tier, typer.Option(help="Core ranges, edge ranges, or both.")] = Tier.core,
    look_seed: Annotated[
        int | None, typer.Option(min=0, help="Redraw only what is visual.")
    ] = None,
    at_day: Annotated[float, typer.Option(min=0, help="Where on the task's timeline.")] = 0.0,
    edge: Annotated[str | None, typer.Option(help="Every scene is of this edge.")] = None,
    devices: Devices = "",
    scene_timeout: Annotated[
        float, typer.Option(min=1, help="Seconds; a worker that needs more for a scene is ended.")
    ] = 600.0,
    memory_gb: Annotated[
        float | None, typer.Option(min=0.5, help="Address space of a worker; default: no limit.")
    ] = None,
    retry_quarantined: Annotated[
        bool, typer.Option(help="Try scenes again that ended two workers.")
    ] = False,
    shard: Annotated[
        str, typer.Option(help="Only slice i/n, from 0/n; auto: the task of a Slurm array or job.")
    ] = "",
    cluster: Annotated[
        str, typer.Option(help="Scheduler of a Dask cluster: tcp://HOST:8786.")
    ] = "",
    executor: Annotated[
        str, typer.Option(help="module:factory of any Executor of concurrent.futures.")
    ] = "",
) -> None:
    """Generate a labelled dataset, or finish an interrupted one: run the same command again."""
    from simenv.dataset.slice import WHOLE, Slice
    from simenv.generate import Limits
    from simenv.generate import generate as make
    from simenv.spec.load import load_task

    loaded = load_task(task)
    own = Slice.parse(shard, os.environ) if shard else WHOLE
    with _resumable(out), _Bar(scenes) as bar:
        summary = make(
            loaded,
            out,
            scenes=scenes,
            seed=seed,
            jobs=jobs,
            renderer=renderer.value,
            tier=_tier(tier, edge),
            look_seed=look_seed,
            at_day=at_day,
            devices=_numbers(devices),
            limits=Limits(scene_timeout, memory_gb),
            retry_quarantined=retry_quarantined,
            own=own,
            executor=_executor(cluster, executor),
            progress=bar.show,
        )
    _say(summary.text)
    if summary.quarantined:
        culprits = ", ".join(map(str, summary.quarantined))
        raise CheckFailed(
            f"{out}: all but {len(summary.quarantined)} scenes are there; quarantined: {culprits}; "
            "see run.log.jsonl, then --retry-quarantined"
        )
    if summary.made and not summary.accepted:
        raise CheckFailed("no scene was accepted; see docs/physics.md for what the reasons mean")


@app.command()
def status(
    path: Annotated[Path, typer.Argument(help="The --out of a run: at work, ended or finished.")],
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """How a run is doing: scenes, rate, time left, workers, rejections; it disturbs nothing."""
    from simenv.generate.status import run_status

    found = run_status(path)
    _say(found.json if as_json else found.text)


def _executor(cluster: str, name: str) -> Any:
    """Who makes the shards; None: processes of this machine."""
    from simenv.generate import dask_cluster, opener

    if cluster and name:
        raise InputError("--cluster and --executor: both say who makes the shards; name one")
    if cluster:
        return dask_cluster(cluster)
    return opener(name) if name else None


def _tier(tier: Tier, edge: str | None) -> str:
    """Where scenes are drawn from: a part of the domain, or one edge."""
    if edge is not None and edge in list(Tier):
        raise InputError(f"--edge: {edge} is no edge; write --tier {edge}")
    if edge is not None and tier is Tier.all:
        raise InputError(f"--edge {edge} makes every scene of that edge; leave --tier all away")
    return tier.value if edge is None else edge


@app.command()
def render(
    path: DatasetPath,
    out: Annotated[str, typer.Option(help="A folder, or a file that ends in .h5.")],
    look: Annotated[
        list[str] | None,
        typer.Option(help="path=value of something visual, or a YAML file of such pairs."),
    ] = None,
    look_seed: Annotated[
        int | None, typer.Option(min=0, help="Redraw the visual axes from this seed.")
    ] = None,
    renderer: Annotated[
        RendererName | None, typer.Option(help="Default: the one that drew PATH.")
    ] = None,
    labels: Annotated[str, typer.Option(help="Labels to add, such as normals,nocs.")] = "",
    jobs: Jobs = 1,
    devices: Devices = "",
) -> None:
    """Draw a dataset again from its logged poses: another look or renderer, more labels."""
    from simenv.dataset.read import Dataset
    from simenv.rerender import parse_look, rerender

    with Dataset(path) as source:
        scenes = len(source.table("scenes")["index"])
    with _resumable(out), _Bar(scenes) as bar:
        summary = rerender(
            path,
            out,
            look=parse_look(look or ()),
            look_seed=look_seed,
            renderer=None if renderer is None else renderer.value,
            labels=[label for label in labels.split(",") if label],
            jobs=jobs,
            devices=_numbers(devices),
            progress=bar.show,
        )
    _say(summary.text)


@contextmanager
def _resumable(out: str) -> Iterator[None]:
    """Ctrl-C inside is an end that can be resumed."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; the same command resumes {out}") from None


def _numbers(devices: str) -> list[int]:
    words = [word.strip() for word in devices.split(",") if word.strip()]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise InputError(f"--devices: {devices!r} is no list of numbers; write for example 0,1")
    return [int(word) for word in words]


class _Bar:
    """One progress bar for a run; nothing where standard error is no terminal."""

    def __init__(self, scenes: int) -> None:
        from tqdm import tqdm

        self.images = 0
        quiet = None if sys.stderr else True  # None: quiet unless a terminal reads it
        self.tqdm = tqdm(total=scenes, unit="scene", disable=quiet, dynamic_ncols=True)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.tqdm.close()

    def show(self, line: dict[str, Any]) -> None:
        """Advance by one scene of run.log.jsonl, or by those found committed."""
        self.images += line["images"]
        elapsed = self.tqdm.format_dict["elapsed"] or 1e-9
        self.tqdm.set_postfix_str(f"{self.images / elapsed:.1f} images/s", refresh=False)
        self.tqdm.update(line["scenes"])


@app.command()
def view(
    path: DatasetPath,
    out: Annotated[Path | None, typer.Option(help="The page; default: beside the data.")] = None,
    images: Annotated[int, typer.Option(min=1, help="Tiles on the page.")] = 24,
    png: Annotated[Path | None, typer.Option(help="Also one image as a picture.")] = None,
    image: Annotated[
        int | None, typer.Option(min=0, help="Which one; default: where most parts are visible.")
    ] = None,
) -> None:
    """Make one self-contained HTML page: pictures, every label over or beside them, values."""
    from simenv.view import write_page, write_picture

    _say(write_page(path, out=out, images=images))
    if png is not None:
        _say(write_picture(path, png, image=image))


class What(str, Enum):
    """What `selftest` takes."""

    faults = "faults"


@app.command()
def selftest(
    what: Annotated[What, typer.Argument(help="faults: break runs and see that nothing is lost.")],
    full: Annotated[bool, typer.Option(help="Thousands of trials: hours.")] = False,
    only: Annotated[str, typer.Option(help="Campaigns, such as kill,disk.")] = "",
    trials: Annotated[int | None, typer.Option(min=1, help="Of each campaign.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is random in them.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Campaigns at a time.")] = 1,
) -> None:
    """Test the promises: runs are killed, disks filled, files corrupted; a table of what held."""
    from simenv.selftest import run_campaigns, table

    rows = []
    chosen = [name for name in only.split(",") if name]
    for row in run_campaigns(full=full, only=chosen, trials=trials, seed=seed, jobs=jobs):
        rows.append(row)
        _say(f"{row.campaign.name}: {row.verdict} ({row.seconds:.0f} s)", err=True)
        for failure in row.outcome.failures:
            _say(f"  {failure}", err=True)
    _say(table(rows))
    failed = [row.campaign.name for row in rows if row.verdict == "FAIL"]
    if failed:
        raise CheckFailed(f"selftest: {', '.join(failed)} did not hold")


@app.command()
def validate(path: DatasetPath) -> None:
    """Check every byte and every label of a dataset; exit status 1 names what is wrong."""
    from simenv.dataset.validate import validate as check

    report = check(path)
    for finding in report.findings:
        _say(str(finding))
    if report.findings:
        raise CheckFailed(f"{path}: {len(report.findings)} findings")
    _say(report.summary)


@app.command()
def repair(
    path: Annotated[Path, typer.Argument(help="The folder of a dataset.")],
) -> None:
    """Mend a damaged folder: what is whole stays, what is not is put aside, a line for each."""
    from simenv.dataset.repair import repair as mend

    done = 0
    for line in mend(path):
        _say(line)
        done += 1
    missing = "; simenv generate, with the arguments of before, makes anew what is missing"
    _say(f"{path}: {done} repairs{missing}" if done else f"{path}: nothing to repair")


@app.command()
def merge(
    paths: Annotated[list[str], typer.Argument(help="Folders with parts of one run; or a URL.")],
    out: Annotated[Path, typer.Option(help="A folder; it may hold some of the shards.")],
) -> None:
    """Put parts of one run, made apart, into one dataset; what contradicts is refused."""
    from simenv.dataset.merge import merge as put_together
    from simenv.dataset.url import is_url
    from simenv.generate import copy_to_folder

    if any(map(is_url, paths)):
        if len(paths) > 1:
            raise InputError(f"merge: {paths[0]}: copy each URL to a folder, then merge these")
        _say(f"{copy_to_folder(paths[0], out)} shards were copied")
        return
    _say(put_together(paths, out).text)


@app.command()
def audit(
    path: DatasetPath,
    out: Annotated[Path | None, typer.Option(help="A folder; default: beside the data.")] = None,
    tier: Annotated[str, typer.Option(help="Scenes to look at: core, all, or an edge.")] = "core",
    weights: Annotated[
        Path | None, typer.Option(help="Also a CSV file of weights that undo the biases.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the JSON, not the summary.")] = False,
) -> None:
    """Audit coverage and bias: a page, JSON, a dataset card; status 1 beyond a threshold."""
    from simenv.view.audit import write_audit

    written = write_audit(path, out=out, tier=tier, weights=weights)
    report = written.report
    _say(report.text if json_ else written.summary, nl=not json_)
    if report.crossed:
        count = len(report.crossed)
        crossed = "1 threshold" if count == 1 else f"{count} thresholds"
        raise CheckFailed(f"{path}: {crossed} of the task crossed, see the lines marked !")


@app.command()
def fill(
    path: Annotated[Path, typer.Argument(help="The folder of a dataset.")],
    max_scenes: Annotated[int, typer.Option(min=1, help="That the dataset may have in all.")],
    coverage: Annotated[float, typer.Option(help="Share of the reachable cells.")] = 0.95,
    jobs: Jobs = 1,
    devices: Devices = "",
) -> None:
    """Add the scenes that fill a dataset's holes; the same command resumes."""
    from simenv.dataset.read import Dataset
    from simenv.fill import fill as make

    with Dataset(path) as dataset:
        scenes = len(dataset.table("scenes")["index"])
    with _resumable(str(path)), _Bar(max(scenes, max_scenes)) as bar:
        done = make(
            path,
            max_scenes=max_scenes,
            coverage=coverage,
            jobs=jobs,
            devices=_numbers(devices),
            progress=bar.show,
        )
    _say(done.text)
    if not done.reached:
        raise CheckFailed(f"{path}: {done.why}")


@app.command()
def split(
    path: DatasetPath,
    fractions: Annotated[
        str | None, typer.Option(help="Default: train=0.8,val=0.1,test=0.1.")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the split.")] = "default",
    seed: Annotated[int | None, typer.Option(help="Of the order of scenes; default: 0.")] = None,
    hold_out: Annotated[
        list[str] | None, typer.Option(help="object=gear,hinge, or path=low..high; repeat it.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Look for leaks; write nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the split as JSON.")] = False,
) -> None:
    """Split a dataset by scene for training and tests, or extend the split that is there."""
    from simenv.split import check as find_leaks
    from simenv.split import parse_fractions
    from simenv.split import split as make

    if check:
        found, left = find_leaks(path, name)
        for leak in found:
            _say(str(leak))
        if found:
            raise CheckFailed(f"{path}: split {name}: {len(found)} leaks")
        more = f"; {left} scenes are in no part, `simenv split {path}` adds them" if left else ""
        _say(f"{path}: split {name}: no leaks{more}")
        return
    shares = None if fractions is None else parse_fractions(fractions)
    report = make(path, fractions=shares, name=name, seed=seed, hold_out=hold_out)
    _say(report.split.text if json_ else report.text, nl=not json_)


@app.command()
def verify(
    path: DatasetPath,
    scenes: Annotated[int, typer.Option(min=1, help="How many to make again.")] = 3,
) -> None:
    """Generate some scenes again and compare them with the file, bit by bit."""
    from simenv.verify import verify as check

    for line in check(path, scenes=scenes):
        _say(line)


@app.command()
def diff(
    task: Annotated[str, typer.Argument(help="A task's name, or the path of a task file.")],
    days: Annotated[tuple[float, float], typer.Option(help="Two days of its timeline.")],
    scenes: Annotated[int, typer.Option(min=1, help="Drawn on both days, not simulated.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
) -> None:
    """Print which axes of a task have moved between two days, and what they were and are."""
    from simenv.domain.diff import diff as compare
    from simenv.domain.diff import table
    from simenv.spec.load import load_task

    _say(table(compare(load_task(task), *days, scenes=scenes, seed=seed), *days))


@app.command("check")
def check_(
    task: Annotated[str, typer.Argument(help="A task's name, or the path of a task file.")],
    scenes: Annotated[int, typer.Option(help="Scenes in which axes are moved.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    renderer: Annotated[RendererName, typer.Option(help="auto: egl if it works.")] = (
        RendererName.auto
    ),
    table: Annotated[bool, typer.Option("--table", help="Only the table of the domain.")] = False,
    json_: Annotated[Path | None, typer.Option("--json", help="Also as this JSON file.")] = None,
) -> None:
    """Print the domain; then move each axis alone: is it semantic, visual, or dead?"""
    from tqdm import tqdm

    from simenv.check import as_json, check_task
    from simenv.domain.table import domain_table
    from simenv.spec.load import load_task

    loaded, findings = load_task(task), []
    shown = domain_table(loaded)
    for line in shown.lines():
        _say(line)
    quiet = None if sys.stderr else True
    with tqdm(unit="axis", disable=True if table else quiet, dynamic_ncols=True) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        checked = check_task(
            loaded, scenes=scenes, seed=seed, renderer=renderer.value, progress=show
        )
        for found in () if table else checked:
            tqdm.write(plain(str(found.line)))
            findings.append(found)
    if json_ is not None:
        json_.write_text(json.dumps(as_json(shown, findings), indent=2) + "\n")
    if failed := [found for found in findings if found.verdict == "FAIL"]:
        raise CheckFailed(f"{task}: {len(failed)} findings; see the lines marked FAIL")


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="A dataset, demonstrations, or grasps.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; must not exist.")],
    to: Annotated[ExportFormat, typer.Option(help="The format.")],
    cameras: Annotated[str, typer.Option(help="Only these, such as left,right.")] = "",
    sensor: Annotated[
        bool, typer.Option("--sensor", help="The devices' pictures instead of the clean ones.")
    ] = False,
    categories: Annotated[
        Categories, typer.Option(help="COCO: a category is a class, or an object.")
    ] = Categories.class_,
    split: Annotated[
        str | None, typer.Option(help="Each part of this split apart; see simenv split.")
    ] = None,
) -> None:
    """Write a dataset, demonstrations or grasps in another format; nothing is rendered again."""
    from tqdm import tqdm

    from simenv.export import DEMO_FORMATS, FORMATS, RECTANGLE_FORMATS
    from simenv.export import export as write

    quiet = None if sys.stderr else True
    images = to.value in FORMATS + RECTANGLE_FORMATS
    unit = "image" if images else "episode" if to.value in DEMO_FORMATS else "file"
    with tqdm(unit=unit, disable=quiet, dynamic_ncols=True) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        try:
            said = write(
                path,
                to.value,
                out,
                cameras=[name for name in cameras.split(",") if name],
                sensor=sensor,
                categories=categories.value,
                split=split,
                progress=show,
            )
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; {out} was not written") from None
    _say(said)


@app.command()
def demo(
    task: Annotated[str, typer.Argument(help="A task's name, or the path of a task file.")],
    episodes: Annotated[int, typer.Option(help="Episodes of the finished folder.")],
    out: Annotated[str, typer.Option(help="A folder.")],
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    tier: Annotated[Tier, typer.Option(help="Core ranges, edge ranges, or both.")] = Tier.core,
    images: Annotated[str, typer.Option(help="Pictures of each step: rgb,depth,instance.")] = "",
    renderer: Annotated[RendererName, typer.Option(help="auto: egl if it works.")] = (
        RendererName.auto
    ),
    keep: Annotated[Keep, typer.Option(help="success: leave failed episodes out.")] = Keep.all,
) -> None:
    """Record demonstrations of a task's scripted expert; the same command resumes."""
    from tqdm import tqdm

    from simenv.demo import record

    quiet = None if sys.stderr else True
    with (
        _resumable(out),
        tqdm(total=episodes, unit="episode", disable=quiet, dynamic_ncols=True) as bar,
    ):

        def show(done: int) -> None:
            bar.update(done - bar.n)

        summary = record(
            task,
            out,
            episodes=episodes,
            seed=seed,
            tier=tier.value,
            images=[name for name in images.split(",") if name],
            renderer=renderer.value,
            keep=keep.value,
            progress=show,
        )
    _say(summary.text)
    if not summary.episodes:
        raise CheckFailed("every episode was left out; see them with --keep all")


@app.command()
def camera(
    path: Annotated[Path, typer.Argument(help="A calibration of OpenCV or ROS, YAML.")],
) -> None:
    """Print a calibrated camera as it stands in a task file."""
    from simenv.spec.calibration import describe

    _say(describe(path))


@app.command()
def grasps(
    objects: Annotated[list[str], typer.Argument(help="Objects of the catalog, or their folders.")],
    gripper: Annotated[str, typer.Option(help="A robot of the catalog: its gripper, or a tool.")],
    out: Annotated[Path, typer.Option(help="A folder; sets are at <gripper>/<object>.h5.")] = (
        Path("grasps")
    ),
    count: Annotated[int, typer.Option(min=1, max=4096, help="Grasps of each object.")] = 64,
    trials: Annotated[int, typer.Option(min=1, max=1024, help="Of each grasp.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    jobs: Jobs = 2,
    page: Annotated[bool, typer.Option(help="Also draw the best and the worst.")] = True,
) -> None:
    """Find grasps of objects, and try each in physics under twenty deviations."""
    from tqdm import tqdm

    from simenv.grasp.find import Wish, why_none
    from simenv.library import make_grasps
    from simenv.spec.catalog import load_object
    from simenv.spec.load_robot import load_robot
    from simenv.view.grasps import write_grasps_page

    hand = load_robot(gripper, near=Path.cwd()).hand
    if hand.gripper is None:
        raise InputError(f"--gripper: {gripper} has none; name a gripper, or an arm with one")
    wish = Wish(count, trials, seed)
    quiet = None if sys.stderr else True
    none: list[str] = []
    for part in [load_object(name, near=Path.cwd()) for name in dict.fromkeys(objects)]:
        with tqdm(desc=part.spec.name, unit="grasp", disable=quiet, dynamic_ncols=True) as bar:

            def show(done: int, total: int, bar: Any = bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            try:
                path, found = make_grasps(part, hand, out, wish, jobs=jobs, progress=show)
            except KeyboardInterrupt:
                raise Interrupted("interrupted; finished objects stay") from None
        good = int((found.success_probability >= 0.9).sum())
        _say(f"{path}: {len(found)} grasps, {good} of them hold in 9 of 10 trials or more")
        if not len(found):
            none.append(f"{part.spec.name}: {gripper} cannot hold it: {why_none(hand, part)}")
        elif page:
            _say(write_grasps_page(path))
    if none:
        raise CheckFailed("\n".join(none))


@app.command("import")
def import_(
    mesh: Annotated[
        Path | None, typer.Argument(help="An STL, OBJ, PLY, GLB, glTF or STEP file.")
    ] = None,
    from_folder: Annotated[
        Path | None, typer.Option(help="Instead: all mesh files of a folder, .zip or .tar.gz.")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the object; default: from the file's name.")] = "",
    out: Annotated[Path, typer.Option(help="The folder of objects.")] = Path("objects"),
    mass: Annotated[float | None, typer.Option(help="Kilograms.")] = None,
    density: Annotated[float | None, typer.Option(help="Instead: kg/m3.")] = None,
    masses: Annotated[Path | None, typer.Option(help="A CSV file of name,mass_kg.")] = None,
    unit: Annotated[
        str | None, typer.Option(help="Of the file: mm, cm, m or inch; default: m.")
    ] = None,
    scale: Annotated[float, typer.Option(help="A further factor.")] = 1.0,
    class_: Annotated[str, typer.Option("--class", help="Default: the name.")] = "",
    friction: Annotated[float, typer.Option(help="Lateral.")] = 0.4,
    color: Annotated[str, typer.Option(help="Red, green, blue from 0 to 1.")] = "0.7,0.7,0.7",
    license: Annotated[str, typer.Option(help="An SPDX identifier.")] = "NOASSERTION",
    replace: Annotated[bool, typer.Option("--replace", help="An object of that name.")] = False,
    jobs: Jobs = 1,
) -> None:
    """Make an object of a mesh: repaired, decomposed, measured; every change has a line."""
    from simenv.assets.ask import import_all, import_one

    given = {
        "name": name,
        "out": out,
        "mass_kg": mass,
        "density_kg_m3": density,
        "unit": unit,
        "scale": scale,
        "class_": class_,
        "friction": friction,
        "color": color,
        "license": license,
        "replace": replace,
    }
    if (mesh is None) == (from_folder is None):
        raise InputError("name one mesh file, or --from-folder with a folder or archive")
    if mesh is not None:
        for line in import_one(mesh, given):
            _say(line)
        return
    assert from_folder is not None
    lines, refused = import_all(from_folder, given, masses=masses, jobs=jobs)
    for line in lines:
        _say(line)
    if refused:
        raise CheckFailed(f"{from_folder}: {refused} files were refused, the others are imported")


def main() -> None:
    """The `simenv` command."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has asked for that
            signal.signal(number, _interrupt)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; the exit status of design and errors.py, never a traceback for a mistake."""
    try:
        _require_libraries()
        fault.check()
        app(arguments, prog_name="simenv")
    except SimenvError as error:
        for line in str(error).splitlines():
            _say(f"simenv: {line}", err=True)
        return error.exit_status
    except OSError as error:  # standard output, a temporary folder: no room, or closed
        _say(f"simenv: {error}", err=True)
        return StorageError.exit_status
    except SystemExit as end:  # typer's own: 0, 2 for wrong usage, 130
        if isinstance(end.__context__, BrokenPipeError):
            return CLOSED
        return end.code if isinstance(end.code, int) else 1
    return 0


def _require_libraries() -> None:
    missing = missing_libraries(required_only=True)
    if missing:
        packages = " ".join(library.package for library in missing)
        reasons = "; ".join(f"{library.soname}: {library.purpose}" for library in missing)
        raise SimenvError(f"system libraries are missing ({reasons}): apt-get install {packages}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
