"""What a dotted path of `domain:` points to, and the same task with other values there.

``scene.belts.main.speed_m_s`` walks through fields of models, keys of mappings, indices of lists.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from pydantic import BaseModel, ValidationError

from simenv.spec.explain import explain, suggest
from simenv.spec.task import TaskSpec
from simenv.spec.yaml import Key, Problem

__all__ = ["Place", "Rejected", "place", "plain", "replace"]

ROOTS = ("actors", "scene", "cameras", "capture", "look", "physics")  # what can vary
SETTINGS = (
    *ROOTS,
    "success",
    "env",
    "domain",
    "edge_cases",
    "timeline",
    "audit",
)  # what can be replaced


class Rejected(Exception):
    """A value is not acceptable at its path."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Place:
    """What stands at a path of a task."""

    value: Any
    kind: str  # "visual", "fixed" or "semantic": what the model says of the field
    accepts: tuple[Any, ...]  # the types of the field; empty below a mapping or a list


def place(spec: TaskSpec, path: str) -> Place:
    """What stands at the dotted ``path``.

    Raises:
        Rejected: if there is no such path; with a suggestion.
    """
    found = Place(spec, "semantic", ())
    for i, key in enumerate(path.split(".")):
        inner = _step(found, key, root=i == 0)
        if inner is None:
            raise Rejected([Problem((), _no_such_path(spec, path, i, found.value))])
        found = inner
    return found


def _step(outer: Place, key: str, *, root: bool) -> Place | None:
    value = outer.value
    if isinstance(value, BaseModel):
        field = type(value).model_fields.get(key)
        if field is None or (root and key not in ROOTS):
            return None
        extra = field.json_schema_extra
        kind = str(extra["kind"]) if isinstance(extra, Mapping) and "kind" in extra else outer.kind
        accepts = (field.annotation, *get_args(field.annotation))
        return Place(getattr(value, key), kind, accepts)
    if isinstance(value, Mapping) and key in value:
        return Place(value[key], outer.kind, ())
    if isinstance(value, tuple) and _index(value, key) is not None:
        return Place(value[int(key)], outer.kind, ())
    return None


def _index(value: tuple[Any, ...], key: str) -> int | None:
    return int(key) if key.isascii() and key.isdigit() and int(key) < len(value) else None


def _no_such_path(spec: TaskSpec, path: str, depth: int, outer: Any) -> str:
    above = ".".join(path.split(".")[:depth])
    if outer is None:
        return f"no such path, {above} is not set; write its nominal value first"
    text = suggest(path, _paths(spec, ""))
    if not text.startswith("did you mean"):
        known = ROOTS if depth == 0 else _keys(outer)
        text = f"{f'below {above} ' if above else ''}there is {', '.join(known) or 'nothing'}"
    return f"no such path; {text}"


def _keys(value: Any) -> list[str]:
    if isinstance(value, BaseModel):
        return list(type(value).model_fields)
    return list(value) if isinstance(value, Mapping) else []


def _paths(value: Any, above: str) -> Iterator[str]:
    """All paths below ``value``, except into lists."""
    for key in ROOTS if isinstance(value, TaskSpec) else _keys(value):
        path = f"{above}.{key}" if above else key
        yield path
        inner = getattr(value, key) if isinstance(value, BaseModel) else value[key]
        yield from _paths(inner, path)


def plain(value: Any) -> Any:
    """``value`` as models take it: lists and arrays as tuples, numpy's scalars as Python's."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def replace(spec: TaskSpec, values: Mapping[str, object]) -> TaskSpec:
    """The task with ``values`` (dotted path -> value) in place of its own, validated.

    Only the models on the way to a value are validated again: the others are frozen.

    Raises:
        Rejected: if a path does not exist or a value is not acceptable there.
    """
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *above, last = path.split(".")
        node = tree
        for key in above:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise Rejected([Problem((path,), "a path above it is replaced, too; drop one")])
        if last in node:
            raise Rejected([Problem((path,), "a path below it is replaced, too; drop one")])
        node[last] = _Leaf(plain(value))
    rebuilt = _rebuilt(spec, tree, ())
    assert isinstance(rebuilt, TaskSpec)
    return rebuilt


@dataclass(frozen=True)
class _Leaf:
    value: Any


def _rebuilt(old: Any, tree: dict[str, Any] | _Leaf, path: tuple[Key, ...]) -> Any:
    """``old`` with the branches of ``tree`` in it."""
    if isinstance(tree, _Leaf):
        return tree.value
    if isinstance(old, BaseModel):
        fields = dict(old.__dict__)
        known = fields if path else SETTINGS
        for key, branch in tree.items():
            if key not in known:
                raise _missing(path, key, known)
            fields[key] = _rebuilt(fields[key], branch, (*path, key))
        return _validated(type(old), fields, path)
    if isinstance(old, Mapping):
        for key in tree:
            if key not in old:
                raise _missing(path, key, old)
        return {**old, **{key: _rebuilt(old[key], tree[key], (*path, key)) for key in tree}}
    if isinstance(old, tuple):
        items = list(old)
        for key, branch in tree.items():
            if (i := _index(old, key)) is None:
                raise _missing(path, key, map(str, range(len(old))))
            items[i] = _rebuilt(old[i], branch, (*path, i))
        return tuple(items)
    raise _missing(path, next(iter(tree)), ())


def _missing(path: tuple[Key, ...], key: str, known: Any) -> Rejected:
    return Rejected([Problem((*path, key), f"no such path; {suggest(key, known)}")])


def _validated(model: type[BaseModel], fields: dict[str, Any], path: tuple[Key, ...]) -> BaseModel:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problems = explain(error, model, fields)
        raise Rejected([Problem((*path, *p.path), p.text) for p in problems]) from None
