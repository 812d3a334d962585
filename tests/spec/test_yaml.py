"""YAML 1.2 with positions: what is read, what is refused, and that writing is the inverse."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simenv.errors import InputError
from simenv.spec.yaml import MAX_BYTES, MAX_NUMBER, Problem, parse, read, write

DATA = Path(__file__).parent.parent / "data"


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse(text, name="f")
    return str(caught.value)


def test_scalars_are_those_of_yaml_1_2() -> None:
    assert read(DATA / "scalars.yaml").value == {
        "number": (0.001, 1, -2.5, 0.5, 3.0, 1000.0, 31, 15, 7),
        "text": ("no", "yes", "on", "1_000", "1.2.3", "1", "2", "12:30", "0b1"),
        "none": (None, None),
        "truth": (True, False),
        "block": "two\nlines\n",
    }
    kinds = [type(number) for number in read(DATA / "scalars.yaml").value["number"]]
    assert kinds == [float, int, float, float, float, float, int, int, int]


def test_an_alias_repeats_the_value_of_its_anchor() -> None:
    assert read(DATA / "aliases.yaml").value == {"first": (0, 1), "second": {"again": (0, 1)}}


def test_every_value_and_key_has_a_position() -> None:
    document = parse("a:\n  bee: [1, {c: 2}]\nd: 3\n", name="f")
    assert document.where(("a", "bee")) == (2, 8)
    assert document.where(("a", "bee"), at_key=True) == (2, 3)
    assert document.where(("a", "bee", 1, "c")) == (2, 16)
    assert document.where(("a", "bee", 1, "c"), at_key=True) == (2, 13)
    assert document.where(("a", "missing")) == (1, 1)  # the key of what should have it
    assert document.where(("a", "bee", 7)) == (2, 3)


def test_problems_are_listed_in_the_order_of_the_file() -> None:
    document = parse("a: 1\nb: 2\n", name="f")
    error = document.error([Problem(("b",), "x"), Problem(("a",), "y", at_key=True)])
    assert str(error) == "f:1:1: a: y\nf:2:4: b: x"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "f:1:1: the file is empty; start it with `format: simenv-task-1`"),
        ("# a comment", "f:1:12: the file is empty; start it with `format: simenv-task-1`"),
        ("- 1", "f:1:1: must be a mapping; start it with `format: simenv-task-1`"),
        ("text", "f:1:1: must be a mapping; start it with `format: simenv-task-1`"),
        ("a: .nan", "f:1:4: .nan is not allowed; write a finite number"),
        ("a: [-.inf]", "f:1:5: -.inf is not allowed; write a finite number"),
        ("a: 1e999", "f:1:4: 1e999 is too large for a number; write a smaller one"),
        ("a: 9223372036854775808", "f:1:4: 9223372036854775808 has more than 64 bits; "
         "write it as 1.0e30"),
        ("a: !!str 3", "f:1:4: tag tag:yaml.org,2002:str is not allowed; remove it"),
        ("a: !!python/object:os.system {}", "f:1:4: tag tag:yaml.org,2002:python/object:os.system "
         "is not allowed; remove it"),
        ("1: 2", "f:1:1: key 1 is not text; put it in quotes"),
        ("null: 2", "f:1:1: key null is not text; put it in quotes"),
        ("? [1]\n: 2", "f:1:3: a key must be plain text; write `key: value`"),
        ("a: [*x]", "f:1:5: alias *x has no anchor before it; write the value"),
        ("a: &x [*x]", "f:1:8: alias *x has no anchor before it; write the value"),
        ("a:\n\tb: 1", "f:2:1: not YAML: found character '\\t' that cannot start any token; "
         "indent with spaces"),
        ("a: [1", "f:1:6: not YAML: expected ',' or ']', but got '<stream end>'; "
         "check indentation and quotes"),
        ("a: b: c", "f:1:5: not YAML: mapping values are not allowed here; "
         "check indentation and quotes"),
        ("a: 1\nb: \x01", "f:2:4: not YAML: character 0x1 is not allowed; "
         "check indentation and quotes"),
        ('a: "\\ud800"', "f:1:4: half a surrogate pair; write the character itself"),
        ("a: " + "[" * 100_000, "f:1:28: nested deeper than 24 levels; flatten it"),
        ("a: " + "{b: " * 100_000, "f:1:100: nested deeper than 24 levels; flatten it"),
        ("#" * (MAX_BYTES + 1), "f:1:1: too large, 1000001 bytes; at most 1000000 are read"),
    ],
)  # fmt: skip
def test_a_text_is_refused_in_one_line(text: str, line: str) -> None:
    assert refusal(text) == line


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("duplicate_key", "2:17: key 'c' was given in line 2 already; remove one"),
        ("two_documents", "2:1: a second document; keep one in a file"),
        ("not_utf8", "1:1: not UTF-8 text; save the file as UTF-8"),
        ("alias_bomb", "5:24: more than 64000 values; write fewer, or fewer aliases"),
        ("not_there", "1:1: cannot be read: no such file or directory; check the path"),
        (".", "1:1: is no regular file; name a YAML file"),
    ],
)
def test_a_file_is_refused_in_one_line(
    name: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(DATA)
    path = Path(name if name == "." else f"{name}.yaml")
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value) == f"{path}:{problem}"


def test_an_alias_bomb_is_refused_before_the_rest_is_read() -> None:
    """So nothing was built: a reader that first takes the whole text in would tell of its end."""
    rest = "h: [*not_there, never closed"
    assert refusal(f"a: 1\n{rest}") == "f:2:5: alias *not_there has no anchor before it; " + (
        "write the value"
    )
    bomb = (DATA / "alias_bomb.yaml").read_text()
    assert refusal(bomb + rest) == "f:5:24: more than 64000 values; write fewer, or fewer aliases"


def test_a_large_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse: takes no room
    with pytest.raises(InputError, match="too large, 1000000000000 bytes"):
        read(path)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(-MAX_NUMBER, MAX_NUMBER)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(["no", "null", "1e3", "a: b", "- a", "#", "0o7", " x ", "", "a #b", "true"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=6)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("ab:-'\"# \n", max_size=4), VALUES, min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_reading_what_was_written_gives_the_same_values(value: dict[str, object]) -> None:
    back = parse(write(value), name="f").value
    assert back == value
    assert repr(back) == repr(value)  # 1 and 1.0 and True are equal, but not the same


@given(st.text(alphabet="ab: -[]{}#&*!|>'\"%@`\t\n\r,?.0\\\ufeff\x85\u2028~"))
@example("%YAML 9.9\n---\na: 1")
@example('a: "\\U99999999"')
@example("a: !<\n")
@settings(max_examples=300, deadline=None)
def test_any_text_gives_values_or_an_input_error(text: str) -> None:
    said = ""
    try:
        assert isinstance(parse(text, name="f").value, dict)
    except InputError as error:
        said = str(error)
    assert said == "" or (said.startswith("f:") and "\n" not in said)
