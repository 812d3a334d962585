"""What a disk may hold after a cut: the new or the old, where the order is right, else anything."""

from simenv.selftest.cuts import Acknowledged, Bytes, Event, Name, Names, Reopened, states

NEW = bytes(range(256)) * 8
ASIDE = Name(".", None, "a.part", 0)
WRITTEN, NAMED, KNOWN = Bytes(0, NEW), Name(".", "a.part", "a", 0), Names(".")


def contents(*events: Event, name: str = "a") -> set[bytes | None]:
    """What ``name`` may hold, over all cuts; None: there is no such file."""
    return {state.get(name) for state, _ in states(list(events))}


def test_synced_bytes_that_take_their_name_are_whole_or_not_there() -> None:
    assert contents(ASIDE, WRITTEN, NAMED, KNOWN) == {None, NEW}


def test_a_name_before_its_bytes_may_hold_anything() -> None:
    torn = NEW[:1024] + bytes(1024)
    assert contents(ASIDE, NAMED, KNOWN, WRITTEN) == {None, b"", bytes(2048), torn, NEW}


def test_what_is_written_again_is_not_synced_any_more() -> None:
    assert b"" in contents(ASIDE, WRITTEN, NAMED, KNOWN, Reopened(0))


def test_a_name_that_was_not_synced_may_be_lost_and_one_that_was_is_there() -> None:
    done = (ASIDE, WRITTEN, NAMED, Acknowledged(7, "digest"))
    promised = [state for state, shards in states(list(done)) if shards == {7: "digest"}]
    assert {"a"} in [set(state) for state in promised]
    assert set() in [set(state) for state in promised]
    kept = [state for state, shards in states([*done[:3], KNOWN, done[3]]) if shards]
    assert [set(state) for state in kept] == [{"a"}]


def test_each_subset_of_changes_may_be_lost_in_whatever_order_they_came() -> None:
    other = Name(".", None, "b", 1)
    seen = {frozenset(state) for state, _ in states([ASIDE, WRITTEN, other, Bytes(1, b"b")])}
    assert seen == {frozenset(own) for own in ((), ("a.part",), ("b",), ("a.part", "b"))}


def test_files_of_a_folder_that_is_not_known_are_not_there() -> None:
    inside = (Name(".", None, "sub", -1), Name("sub", None, "x", 0), Bytes(0, b"x"), Names("sub"))
    assert contents(*inside, name="sub/x") >= {None, b"x"}
    assert contents(*inside, KNOWN, name="sub/x") >= {None, b"x"}
    last = [state for state, _ in states([*inside, KNOWN, Acknowledged(0, "")]) if _]
    assert last == [{"sub/x": b"x"}]
