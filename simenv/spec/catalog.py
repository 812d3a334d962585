"""Where robots/, objects/ and tasks/ live: names of the catalog -> files -> models.

Search order: the folder of the task file and its parent (so that a project with the three folders
side by side works), each folder of ``$SIMENV_PATH``, the built-in content.
"""

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from simenv.errors import InputError
from simenv.spec import files, yaml
from simenv.spec.explain import explain, suggest
from simenv.spec.object import ObjectModel, ObjectSpec
from simenv.spec.yaml import Problem

__all__ = [
    "ENVIRONMENT",
    "Kind",
    "beside_tasks",
    "content_root",
    "file_of",
    "find",
    "load_object",
    "name_problems",
    "names",
    "roots",
]

ENVIRONMENT = "SIMENV_PATH"  # folders that hold robots/, objects/ and tasks/, separated as in PATH

Kind = Literal["robots", "objects", "tasks"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def content_root() -> Path:
    """The folder of the built-in robots/, objects/ and tasks/: in a wheel, or in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "content"
    return inside if inside.is_dir() else package.parent


def roots(near: Path | None) -> list[Path]:
    """Folders that are searched, the first one first."""
    own = [] if near is None else [near, near.parent]
    listed = [Path(entry) for entry in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if entry]
    return list(dict.fromkeys([*own, *listed, content_root()]))


def _file(kind: Kind, name: str, root: Path) -> Path:
    return root / kind / (f"{name}.yaml" if kind == "tasks" else f"{name}/{kind[:-1]}.yaml")


def names(kind: Kind, *, near: Path | None = None) -> list[str]:
    """All names of a kind, sorted; ``near`` is the folder of the task file that asks."""
    pattern = "*.yaml" if kind == "tasks" else f"*/{kind[:-1]}.yaml"
    found = [path for root in roots(near) for path in (root / kind).glob(pattern)]
    names = {path.stem if kind == "tasks" else path.parent.name for path in found}
    return sorted(name for name in names if _NAME.fullmatch(name))


def find(kind: Kind, name: str, *, near: Path | None = None) -> Path:
    """The file of a name: ``tasks/<name>.yaml``, or ``objects/<name>/object.yaml``.

    Raises:
        InputError: if there is none; with a suggestion.
    """
    if _NAME.fullmatch(name):
        for root in roots(near):
            if (path := _file(kind, name, root)).is_file():
                return path
    way_out = suggest(name, names(kind, near=near))
    raise InputError(f"no {kind[:-1]} {yaml.flow(name, cut=True)}; {way_out}")


def beside_tasks(file: str, *, near: Path | None = None) -> Path:
    """The folder of task files that holds ``file``; the first one if none does."""
    folders = [near or Path(), *(root / "tasks" for root in roots(near))]
    return next((folder for folder in folders if (folder / file).is_file()), folders[0])


def load_object(name_or_path: str | Path, *, near: Path | None = None) -> ObjectModel:
    """The object of a name, of its folder or of its object.yaml, with all its files checked.

    The checks come before the engine reads anything: Bullet accepts most broken files in silence
    and dies on some.

    Raises:
        InputError: one line for each problem.
    """
    path = file_of("objects", name_or_path, near=near)
    document = yaml.read(path)
    try:
        spec = ObjectSpec.model_validate(document.value)
    except ValidationError as error:
        raise document.error(explain(error, ObjectSpec, document.value)) from None
    model = ObjectModel(spec, path.parent)
    problems = [*name_problems(spec.name, path), *files.check(model)]
    if problems:
        raise document.error(problems)
    return model


def file_of(kind: Kind, name_or_path: str | Path, *, near: Path | None = None) -> Path:
    """The YAML file of a name, of a folder of the catalog, or of itself."""
    if isinstance(name_or_path, str) and not ("/" in name_or_path or "." in name_or_path):
        return find(kind, name_or_path, near=near)
    path = Path(name_or_path)
    return path / f"{kind[:-1]}.yaml" if path.is_dir() else path


def name_problems(name: str, path: Path) -> list[Problem]:
    """Whether the name in a file is that of its folder."""
    folder = path.absolute().parent.name
    if name == folder:
        return []
    text = f"must be the folder's name {folder}, got {name}; rename one of them"
    return [Problem(("name",), text)]
