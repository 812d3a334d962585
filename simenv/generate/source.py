"""What a dataset says it was made from: its task, with the objects as they were, and its seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from simenv.dataset.fills import FillRound, read_fills
from simenv.dataset.read import open as open_dataset
from simenv.dataset.store import INDEX
from simenv.errors import InputError
from simenv.library import sets_digest, task_stock
from simenv.spec.load import Task, task_from_text

__all__ = ["Source"]

WAY_OUT_GRASPS = "go to the folder with the grasps/ that it was made with"
WAY_OUT = (
    "put the folder that holds its objects/ into SIMENV_PATH, or go back to the version that made "
    "it"
)


@dataclass(frozen=True)
class Source:
    """A dataset's task and root attributes."""

    path: Path
    task: Task
    attrs: Mapping[str, Any]
    scenes: Mapping[str, NDArray[Any]]  # the table /scenes

    @classmethod
    def of(cls, path: str | Path) -> Source:
        """Read them; objects are looked for in the working folder, $SIMENV_PATH and built in.

        Raises:
            InputError: there is no dataset, or the objects are not those it was made with.
        """
        with open_dataset(path) as dataset:
            attrs, scenes, text = dataset.attrs, dataset.table("scenes"), dataset.task
        try:
            task = task_from_text(text, near=Path.cwd())
        except InputError as error:
            why = str(error).splitlines()[0]
            raise InputError(f"{path}: its task is not accepted ({why}); {WAY_OUT}") from None
        if task.catalog_sha256 != attrs["catalog_sha256"]:
            raise InputError(f"{path}: its objects are not found here as they were; {WAY_OUT}")
        said = str(attrs.get("grasps_sha256", ""))
        if said and said != sets_digest(task_stock(task)):
            raise InputError(
                f"{path}: its grasps are not found here as they were; {WAY_OUT_GRASPS}"
            )
        return cls(Path(path), task, attrs, scenes)

    @property
    def look_seed(self) -> int | None:
        """Where its visual axes were redrawn."""
        seed = int(self.attrs["look_seed"])
        return None if seed < 0 else seed

    @property
    def at_day(self) -> float:
        """Where on its task's timeline it was made; files from before there was one: day 0."""
        return float(self.attrs.get("at_day", 0.0))

    @property
    def fills(self) -> tuple[FillRound, ...]:
        """The rounds that added scenes; none in a single file, which does not tell."""
        if self.path.is_dir() or self.path.name == INDEX:
            return read_fills(self.path if self.path.is_dir() else self.path.parent)
        return ()

    @property
    def generated(self) -> int:
        """How many scenes there were before any were added: 0 to this number - 1."""
        return self.fills[0].begun_with if self.fills else len(self.scenes["index"])

    @property
    def whole(self) -> bool:
        """Whether no scene is missing."""
        added = [scene for fill in self.fills for scene in fill.scenes]
        return bool(self.scenes["index"].tolist() == [*range(self.generated), *added])

    def check_whole(self) -> None:
        """Refuse a dataset in which scenes are missing.

        Raises:
            InputError: a run was interrupted, or shards were taken out.
        """
        if not self.whole:
            raise InputError(f"{self.path}: scenes are missing; finish it with simenv generate")
