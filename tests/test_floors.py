"""The line stays straight: a module imports from lower floors only, engines from their own room."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import simenv

PACKAGE = Path(simenv.__file__).parent

# Rooms of one floor do not import each other. The README shows this table.
FLOORS: list[set[str]] = [
    {"clock", "errors", "line", "pose", "quiet", "reading", "scratch", "system"},
    {"engine", "fault", "hull", "kinematics", "lens", "mesh"},
    {"spec"},
    {"domain", "parts"},
    {"scene"},
    {"compose"},
    {"physics", "render"},
    {"grasp", "label", "sensor"},
    {"dataset", "envs"},
    {"audit", "demo", "export", "guarantee", "library", "replay", "split"},
    {"studio"},
    {"generate"},
    {"check", "fill", "rerender", "verify"},
    {"assets", "doctor", "view"},
    {"selftest"},
    {"cli"},
    {"__main__"},
]
ENGINES = {
    "pybullet": {"engine"},
    "simenv.engine": {"doctor", "grasp", "physics", "render"},
    "h5py": {"dataset", "export", "selftest"},
}


def modules() -> list[Path]:
    """Every module of the package, content left out."""
    return sorted(p for p in PACKAGE.rglob("*.py") if "content" not in p.parts)


def room(path: Path) -> str:
    """The first word of a module's name inside the package."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(name: str) -> int:
    """Index into FLOORS."""
    found = [level for level, rooms in enumerate(FLOORS) if name in rooms]
    assert found, f"simenv/{name} has no floor; give it one in tests/test_floors.py"
    return found[0]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_from_lower_floors_only(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        return  # the public names
    for name in imports(path):
        words = name.split(".")
        if words[0] == "simenv" and len(words) > 1 and words[1] not in (room(path), "__version__"):
            assert floor(words[1]) < floor(room(path)), f"{path} must not import {name}"
        for engine, rooms in ENGINES.items():
            uses = f"{name}.".startswith(f"{engine}.")
            assert not uses or room(path) in rooms, f"{path} must not import {engine}"


def test_content_folders_hold_no_python() -> None:
    root = PACKAGE / "content" if (PACKAGE / "content").is_dir() else PACKAGE.parent
    for folder in ("objects", "tasks", "robots"):
        assert not list((root / folder).rglob("*.py"))
