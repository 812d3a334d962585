"""What is wrong with a value, in words: pydantic's errors as lines that say the way out.

The words come from the model's JSON schema: what a key accepts, which keys there are, an example.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any

from pydantic import BaseModel, ValidationError

from simenv.spec.yaml import Key, Problem, flow

__all__ = ["explain", "suggest"]

Schema = Mapping[str, Any]

MAX_LISTED = 24  # names in an error line


def suggest(word: str, known: Iterable[str]) -> str:
    """The way out for an unknown ``word``: the nearest known one, or all of them."""
    known = list(known)
    if near := difflib.get_close_matches(word, known, n=1, cutoff=0.6):
        return f"did you mean {near[0]}?"
    if word and (alike := [name for name in known if name.startswith(word)]):
        return f"did you mean {alike[0]}?"
    more = f" and {len(known) - MAX_LISTED} more" if len(known) > MAX_LISTED else ""
    return f"there is {', '.join(known[:MAX_LISTED])}{more}" if known else "there is none"


def explain(error: ValidationError, model: type[BaseModel], value: Any) -> list[Problem]:
    """The problems that ``model`` found in ``value`` (plain mappings and tuples), one a place."""
    found: dict[tuple[Key, ...], Problem] = {}
    in_unions: set[tuple[Key, ...]] = set()
    for row in error.errors(include_url=False):
        path, in_union = _real_path(row["loc"], value, row["type"])
        problem = _problem(row, path, model, value)
        found.setdefault(problem.path, problem)
        if in_union:
            in_unions.add(problem.path)
    for path in _misspelled(found.values()):
        del found[path]
    # A union complains once for each of its members; the one that got deepest is what was meant.
    return [
        problem
        for path, problem in found.items()
        if path not in in_unions or not any(_is_below(other, path) for other in found)
    ]


def _misspelled(problems: Iterable[Problem]) -> set[tuple[Key, ...]]:
    """Missing keys that stand there under the name of an unknown one: one problem, not two."""
    missing = {p.path: p.text for p in problems if p.text.startswith(_MISSING)}
    unknown = [p for p in problems if p.text.startswith(_UNKNOWN)]
    return {
        path
        for path in missing
        if any(p.path[:-1] == path[:-1] and p.text.endswith(f" {path[-1]}?") for p in unknown)
    }


def _is_below(path: tuple[Key, ...], above: tuple[Key, ...]) -> bool:
    return len(path) > len(above) and path[: len(above)] == above


def _real_path(loc: Sequence[Key], value: Any, kind: str) -> tuple[tuple[Key, ...], bool]:
    """``loc`` without what pydantic adds (names of union members, "[key]"), and whether it did."""
    path: list[Key] = []
    dropped = False
    for i, key in enumerate(loc):
        if isinstance(value, Mapping) and key in value:
            path.append(key)
            value = value[key]
        elif isinstance(value, tuple) and isinstance(key, int) and key < len(value):
            path.append(key)
            value = value[key]
        elif kind == "missing" and i == len(loc) - 1 and isinstance(value, Mapping):
            path.append(key)
        else:
            # A missing item of a tuple is the tuple's problem, not a union's.
            dropped |= isinstance(key, str) and key != "[key]"
    return tuple(path), dropped


def _problem(row: Any, path: tuple[Key, ...], model: type[BaseModel], value: Any) -> Problem:
    kind, context, last = row["type"], row.get("ctx", {}), (row["loc"] or ("",))[-1]
    if kind == "value_error":  # a validator of ours said no
        below = getattr(context["error"], "path", ())
        return Problem(path + below, str(context["error"]), at_key=not below)
    if kind.startswith("union_tag"):
        path = (*path, context["discriminator"].strip("'"))
    if kind == "union_tag_not_found" or (kind == "missing" and isinstance(last, str)):
        return _missing(path, _schemas(model, path, value))
    if kind == "extra_forbidden":
        known = sorted({key for s in _schemas(model, path[:-1], value) for key in _keys(s)})
        return Problem(path, f"{_UNKNOWN}; {suggest(str(path[-1]), known)}", at_key=True)
    if last == "[key]":
        name, way_out = str(path[-1]), f"write for example {_as_name(str(path[-1]))}"
        return Problem(path, f"must be {_NAME}, got {flow(name, cut=True)}; {way_out}", at_key=True)
    return _unfit(path, _schemas(model, path, value), _at(value, path))


def _missing(path: tuple[Key, ...], schemas: Sequence[Schema]) -> Problem:
    entry = flow({str(path[-1]): _example(schemas, None)})[1:-1]
    return Problem(path, f"{_MISSING}; add it, for example `{entry}`", at_key=True)


def _unfit(path: tuple[Key, ...], schemas: Sequence[Schema], got: Any) -> Problem:
    text = f"must be {_describe(schemas)}, got {flow(got, cut=True)}"
    return Problem(path, f"{text}; write for example {flow(_example(schemas, got))}")


def _at(value: Any, path: Sequence[Key]) -> Any:
    for key in path:
        value = value[key]
    return value


# --- words from JSON schema -----------------------------------------------------------------------

_MISSING, _UNKNOWN = "is missing", "unknown key"
_NAME = "a name of a-z, 0-9 and _"


@cache
def _schema(model: type[BaseModel]) -> Schema:
    """The model's JSON schema with every reference replaced by what it refers to."""
    root = model.model_json_schema(by_alias=True)
    inlined: Schema = _inline(root, root)
    return inlined


def _inline(schema: Any, root: Schema) -> Any:
    if isinstance(schema, list):
        return [_inline(item, root) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    inner = {key: _inline(item, root) for key, item in schema.items() if key != "$defs"}
    if "$ref" not in inner:
        return inner
    target = root["$defs"][inner.pop("$ref").rsplit("/", 1)[1]]
    return {**_inline(target, root), **inner}


def _schemas(model: type[BaseModel], path: Sequence[Key], value: Any) -> list[Schema]:
    """What is accepted at ``path``: the members of a union, references followed."""
    schemas = _members(_schema(model))
    for key in path:
        schemas = _tagged(schemas, value)
        inner = [child for schema in schemas if (child := _child(schema, key)) is not None]
        schemas = [member for child in inner for member in _members(child)]
        value = _inside(value, key)
    return _tagged(schemas, value)


def _inside(value: Any, key: Key) -> Any:
    if isinstance(value, Mapping):
        return value.get(str(key))
    if isinstance(value, tuple) and isinstance(key, int) and key < len(value):
        return value[key]
    return None


def _tagged(schemas: list[Schema], value: Any) -> list[Schema]:
    """Of several mappings (shape: box, shape: sphere) those whose tag ``value`` has, if any."""
    if len(schemas) < 2 or not isinstance(value, Mapping):
        return schemas
    fits = [s for s in schemas if any(value.get(key) == tag for key, tag in _tags(s).items())]
    return fits or schemas


def _tags(schema: Schema) -> dict[str, Any]:
    return {key: s["const"] for key, s in schema.get("properties", {}).items() if "const" in s}


def _members(schema: Schema) -> list[Schema]:
    """The members of a union, each with the union's default."""
    shared = {key: schema[key] for key in ("default",) if key in schema}
    union = schema.get("anyOf") or schema.get("oneOf") or ()
    return [inner for s in union for inner in _members({**s, **shared})] or [schema]


def _child(schema: Schema, key: Key) -> Schema | None:
    if isinstance(key, int):
        prefix = schema.get("prefixItems", ())
        child = prefix[key] if key < len(prefix) else schema.get("items")
    else:
        # Mappings with named keys are patternProperties, with any keys additionalProperties.
        others = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        child = schema.get("properties", {}).get(key, others[0])
    return child if isinstance(child, Mapping) else None


def _keys(schema: Schema) -> list[str]:
    return list(schema.get("properties", {}))


def _describe(schemas: Sequence[Schema]) -> str:
    """The union in words; null is left out where it is the default: nobody needs to write it."""
    useful = [s for s in schemas if s.get("type") != "null" or s.get("default", 0) is not None]
    words = [word for schema in useful for word in _options(schema) or [_describe_one(schema)]]
    return _or(list(dict.fromkeys(words))) or "another value"


def _options(schema: Schema) -> list[str]:
    options = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return [flow(option) for option in options]


def _or(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _describe_one(schema: Schema) -> str:
    kind = schema.get("type")
    if kind in ("number", "integer"):
        return ("a number" if kind == "number" else "a whole number") + _bounds(schema)
    if kind == "string":
        return _NAME if "pattern" in schema else "text"
    if kind == "array":
        return _describe_list(schema)
    if kind == "object":
        # Where there are several kinds of mapping, the tag says which one.
        keys = list(_tags(schema)) or schema.get("required") or _keys(schema)
        return f"a mapping with {', '.join(keys)}" if keys else "a mapping from names to values"
    return {"null": "null", "boolean": "true or false"}.get(str(kind), "any value")


def _describe_list(schema: Schema) -> str:
    if prefix := schema.get("prefixItems"):
        items = list(dict.fromkeys(map(_describe_one, prefix)))
        plural = _plural(items[0]) if len(items) == 1 else None
        return f"a list of {len(prefix)} {plural or 'values'}"
    item = _describe(_members(schema["items"])) if schema.get("items") else "any value"
    return f"a list of {plural}" if (plural := _plural(item)) else f"a list, each {item}"


def _plural(words: str) -> str | None:
    plural = re.sub(r"^a (whole number|number|name)", r"\1s", words)
    return plural if plural != words else None


def _bounds(schema: Schema) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    words = [
        f"{word} {bound:g}"
        for word, bound in (
            ("at least", low),
            ("above", above),
            ("at most", high),
            ("below", below),
        )
        if bound is not None
    ]
    return " " + " and ".join(words) if words else ""


def _example(schemas: Sequence[Schema], got: Any) -> Any:
    """An acceptable value: the nearest to ``got``, else the default, else a simple one."""
    options = [option for schema in schemas for option in _options(schema)]
    if isinstance(got, str) and (near := difflib.get_close_matches(got, options, n=1)):
        return near[0]
    same_kind = [s for s in schemas if s.get("type") == _kind(got)]
    useful = same_kind or [s for s in schemas if s.get("type") != "null"] or list(schemas)
    return _example_of(useful[0], got) if useful else None


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", tuple: "array"}
    return names.get(type(value), "object")


def _example_of(schema: Schema, got: Any) -> Any:
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind in ("number", "integer") and (number := _number(got)) is not None:
        return _clamped(schema, number)
    if kind == "string" and isinstance(got, str | int | float):
        return _as_name(str(got)) if "pattern" in schema else str(got)
    if schema.get("default") is not None:
        return _without_null(schema["default"])
    if kind in ("number", "integer"):
        return _clamped(schema, 1.0)
    if kind == "array":
        prefix = schema.get("prefixItems") or ([schema["items"]] if schema.get("items") else [])
        return [_example(_members(item), None) for item in prefix]
    if kind == "object":
        needed = {key: schema["properties"][key] for key in schema.get("required", ())}
        return {key: _example(_members(child), None) for key, child in needed.items()}
    return {"string": "my_name", "boolean": True, "null": None}.get(str(kind), 1)


def _without_null(default: Any) -> Any:
    if isinstance(default, Mapping):
        return {k: _without_null(v) for k, v in default.items() if v is not None}
    return default


def _number(got: Any) -> float | None:
    """The number that ``got`` was meant to be, as in "1,5"."""
    if isinstance(got, int | float) and not isinstance(got, bool):
        return float(got) if isfinite(got) else None
    text = got.strip().replace(",", ".") if isinstance(got, str) else ""
    return float(text) if re.fullmatch(r"[-+]?\d{1,9}(\.\d{0,9})?", text) else None


def _clamped(schema: Schema, number: float) -> float | int:
    lows = [schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema]
    highs = [schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema]
    low, high = max(lows, default=-1e9), min(highs, default=1e9)
    step = min(1.0, (high - low) / 2)
    if number < low or (number == low and "exclusiveMinimum" in schema):
        # Zero is allowed in many places, but rarely meant.
        number = low + step if "exclusiveMinimum" in schema or low == 0 else low
    if number > high or (number == high and "exclusiveMaximum" in schema):
        number = high - step if "exclusiveMaximum" in schema else high
    return round(number) if schema.get("type") == "integer" else number


def _as_name(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60]
    return name if name[:1].isalpha() else f"x_{name}".rstrip("_")
