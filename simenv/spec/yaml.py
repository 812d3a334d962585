"""What a YAML file says, and where each of its values stands.

YAML 1.2's core schema (``1e-3`` is a number, ``no`` is text) from ruamel.yaml's events, so that
nothing is built before it was checked. Lists become tuples. Refused, each with one line: tags,
duplicate and non-text keys, NaN and infinities, several documents, deep nesting, aliases that
multiply.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from simenv.errors import InputError
from simenv.reading import read_bytes

__all__ = ["Document", "Key", "Problem", "flow", "load", "parse", "read", "write"]

MAX_BYTES = 1_000_000  # a task of some hundred lines has 10 kB
MAX_DEPTH = 24  # the deepest model has 8 levels
MAX_VALUES = 64_000  # after aliases are expanded; a path of 5000 camera poses has 60,000
MAX_TAG = 200  # characters; the parser takes a time that grows with their square
MAX_INTEGER = 2**63 - 1  # what HDF5 and numpy can hold
MAX_NUMBER = 1e30  # of any other; sums and squares of it are still numbers
MAX_SHOWN = 60  # characters of a value in an error line

Key = str | int  # of a mapping, of a list
_Mark = tuple[int, int]  # line, column, both from 1

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_OLD_CONSTANTS = ("y", "n", "yes", "no", "on", "off", "nan", "inf")  # of YAML 1.1 readers
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+()-]*( [A-Za-z0-9_./+()-]+)*")  # needs no quotes
_LONG_TAG = re.compile(rf"![^\s,\[\]{{}}]{{{MAX_TAG}}}")
_RAW = re.compile("[ -~\u00a1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Problem:
    """Something wrong with the value at ``path``; ``at_key`` points to its key instead."""

    path: tuple[Key, ...]
    text: str
    at_key: bool = False

    def __str__(self) -> str:
        where = ".".join(map(str, self.path))
        return f"{where}: {self.text}" if where else self.text


@dataclass(frozen=True, eq=False)
class _Node:
    mark: _Mark
    content: Any  # a scalar, a tuple of nodes, or a dict: key -> (mark of the key, node)
    size: int  # values in it, with aliases expanded

    def plain(self) -> Any:
        if isinstance(self.content, dict):
            return {key: node.plain() for key, (_, node) in self.content.items()}
        if isinstance(self.content, tuple):
            return tuple(node.plain() for node in self.content)
        return self.content


@dataclass(frozen=True, eq=False)
class Document:
    """One YAML file; ``name`` is how errors call it."""

    name: str
    value: dict[str, Any]
    _root: _Node

    def where(self, path: Sequence[Key], *, at_key: bool = False) -> _Mark:
        """Line and column of the value at ``path``, or of its key; of the nearest that exists."""
        node, key_mark = self._root, self._root.mark
        for key in path:
            if isinstance(node.content, dict) and key in node.content:
                key_mark, node = node.content[key]
            elif isinstance(node.content, tuple) and isinstance(key, int):
                if key >= len(node.content):
                    return key_mark
                node = node.content[key]
                key_mark = node.mark
            else:
                return key_mark
        return key_mark if at_key else node.mark

    def error(self, problems: Sequence[Problem]) -> InputError:
        """All ``problems`` as one error: a line each, in the order of the file."""
        lines = sorted(
            (*self.where(problem.path, at_key=problem.at_key), str(problem)) for problem in problems
        )
        texts = [f"{self.name}:{line}:{column}: {text}" for line, column, text in lines]
        return InputError("\n".join(dict.fromkeys(texts)))


def read(path: Path) -> Document:
    """The YAML file at ``path``.

    Raises:
        InputError: if it cannot be read, or is not one mapping of plain YAML 1.2.
    """
    name, text = load(path)
    return parse(text, name=name)


def load(path: Path) -> tuple[str, str]:
    """How errors call the file at ``path``, and its text.

    Raises:
        InputError: if it cannot be read, is too large, or is not UTF-8.
    """
    name = _shown(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{name}:1:1: is no regular file; name a YAML file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _too_large(name, size)
        text = read_bytes(path, most=MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{name}:{line}:1: not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{name}:1:1: cannot be read: {reason}; check the path") from None
    return name, text


def parse(text: str, *, name: str, first: str = "format: simenv-task-1") -> Document:
    """The YAML ``text``, called ``name`` in errors; see `read`. ``first``: a line it may have."""
    if len(text) > MAX_BYTES:
        raise _too_large(name, len(text))
    if (tag := _LONG_TAG.search(text)) is not None:
        line = text.count("\n", 0, tag.start()) + 1
        raise InputError(f"{name}:{line}:1: a tag is not allowed; remove what follows the !")
    try:
        root = _Reader(text, name, first).document()
    except YAMLError as error:
        raise _not_yaml(error, text, name) from None
    except (OverflowError, ValueError):  # ruamel hands the number of an escape to chr()
        text = "an escape like \\U99999999 names no character; write the character itself"
        raise InputError(f"{name}:1:1: not YAML: {text}") from None
    return Document(name, root.plain(), root)


def _not_yaml(error: YAMLError, text: str, name: str) -> InputError:
    line, column, problem = 1, 1, str(error)
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        problem = f"character {hex(ord(text[error.position]))} is not allowed"
    elif isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = " ".join(str(error.problem or error.context).split())
    way_out = "indent with spaces" if "\\t" in problem else "check indentation and quotes"
    return InputError(f"{name}:{line}:{column}: not YAML: {problem}; {way_out}")


def _too_large(name: str, size: int) -> InputError:
    return InputError(f"{name}:1:1: too large, {size} bytes; at most {MAX_BYTES} are read")


def _shown(path: Path) -> str:
    """The path relative to the working folder where that is shorter."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


class _Reader:
    """Turns a stream of parse events into nodes."""

    def __init__(self, text: str, name: str, first: str) -> None:
        self.name, self.first = name, first
        self.events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
        self.anchors: dict[str, _Node] = {}
        self.values = 0

    def document(self) -> _Node:
        next(self.events)  # start of the stream
        start = next(self.events)
        if isinstance(start, StreamEndEvent):
            self.refuse(start, f"the file is empty; start it with `{self.first}`")
        event = next(self.events)
        if not isinstance(event, MappingStartEvent):
            self.refuse(event, f"must be a mapping; start it with `{self.first}`")
        root = self.node(event, 0)
        end = next(self.events)
        assert isinstance(end, DocumentEndEvent)
        after = next(self.events)
        if not isinstance(after, StreamEndEvent):
            self.refuse(after, "a second document; keep one in a file")
        return root

    def refuse(self, event: Event, text: str) -> NoReturn:
        line, column = _mark(event)
        raise InputError(f"{self.name}:{line}:{column}: {text}")

    def node(self, event: Event, depth: int) -> _Node:
        if isinstance(event, AliasEvent):
            return self.alias(event)
        assert isinstance(event, ScalarEvent | CollectionStartEvent)
        if event.ctag is not None:
            self.refuse(event, f"tag {event.tag} is not allowed; remove it")
        if depth > MAX_DEPTH:
            self.refuse(event, f"nested deeper than {MAX_DEPTH} levels; flatten it")
        node = self.content(event, depth)
        self.count(event, 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def content(self, event: Event, depth: int) -> _Node:
        if isinstance(event, MappingStartEvent):
            return self.mapping(event, depth)
        if isinstance(event, SequenceStartEvent):
            items = []
            while not isinstance(item := next(self.events), SequenceEndEvent):
                items.append(self.node(item, depth + 1))
            return _Node(_mark(event), tuple(items), 1 + sum(item.size for item in items))
        assert isinstance(event, ScalarEvent)
        return _Node(_mark(event), self.scalar(event), 1)

    def mapping(self, start: Event, depth: int) -> _Node:
        entries: dict[str, tuple[_Mark, _Node]] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            key = self.key(event)
            if key in entries:
                first = entries[key][0][0]
                self.refuse(event, f"key {key!r} was given in line {first} already; remove one")
            entries[key] = (_mark(event), self.node(next(self.events), depth + 1))
        return _Node(_mark(start), entries, 1 + sum(node.size for _, node in entries.values()))

    def key(self, event: Event) -> str:
        if not isinstance(event, ScalarEvent) or event.ctag is not None:
            self.refuse(event, "a key must be plain text; write `key: value`")
        key = self.scalar(event)
        if not isinstance(key, str):
            self.refuse(event, f"key {event.value or 'null'} is not text; put it in quotes")
        return key

    def scalar(self, event: ScalarEvent) -> Any:
        text: str = event.value
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            self.refuse(event, "half a surrogate pair; write the character itself")
        if event.style is not None:  # quoted, or a block
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _NOT_FINITE.fullmatch(text):
            self.refuse(event, f"{text} is not allowed; write a finite number")
        if _INTEGER.fullmatch(text):
            # A base prefix excludes a sign and leading zeros; int(text, 0) would refuse "007".
            number = (
                int(text, 0) if text[:2] in ("0o", "0x") else int(text) if len(text) < 30 else 0
            )
            if abs(number) > MAX_INTEGER or len(text) >= 30:
                self.refuse(event, f"{_cut(text)} has more than 64 bits; write it as 1.0e30")
            return number
        if _FLOAT.fullmatch(text):
            if abs(float(text)) > MAX_NUMBER:
                self.refuse(event, f"{_cut(text)} is too large for a number; write a smaller one")
            return float(text)
        return text

    def alias(self, event: AliasEvent) -> _Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            self.refuse(event, f"alias *{event.anchor} has no anchor before it; write the value")
        self.count(event, node.size)
        return node

    def count(self, event: Event, values: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            self.refuse(event, f"more than {MAX_VALUES} values; write fewer, or fewer aliases")


def _mark(event: Event) -> _Mark:
    return event.start_mark.line + 1, event.start_mark.column + 1


def flow(value: Any, *, cut: bool = False) -> str:
    """A value on one line of YAML; ``cut`` shortens it for an error text."""
    if cut:
        return _cut(flow(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in (*_CONSTANTS, *_OLD_CONSTANTS)
        return value if plain else _quoted(value)
    text = json.dumps(value)
    # Readers of YAML 1.1 take 1e-05 for a string, but not 1.0e-05.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def _quoted(text: str) -> str:
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escapes.get(letter) or _escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if _RAW.fullmatch(letter):
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def write(value: Mapping[str, Any], indent: str = "") -> str:
    """Nested mappings as block YAML, one line for each leaf; `parse` gives an equal value back.

    The layout is fixed here, not by a library, because digests of the text are stored.
    """
    lines = []
    for key, item in value.items():
        if isinstance(item, tuple) and any(isinstance(entry, Mapping) for entry in item):
            entries = "".join(f"{indent}  - {flow(entry)}\n" for entry in item)
            lines.append(f"{indent}{flow(key)}:\n{entries}")
        elif _is_leaf(item):
            lines.append(f"{indent}{flow(key)}: {flow(item)}\n")
        else:
            lines.append(f"{indent}{flow(key)}:\n{write(item, indent + '  ')}")
    return "".join(lines)


def _is_leaf(value: Any) -> bool:
    """Whether ``value`` reads best on one line: no mapping, or a small one of scalars."""
    if not isinstance(value, Mapping):
        return True
    return len(value) <= 4 and not any(isinstance(item, Mapping) for item in value.values())
