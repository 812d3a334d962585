"""How a sound file is changed by chance: bytes, lines, numbers."""

from __future__ import annotations

import random
import re

__all__ = ["bytes_changed", "lines_changed", "numbers_changed"]

NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?")
NUMBERS = tuple(
    "0 -0 -1 1e308 -1e308 1e-308 1e400 nan inf -.inf .nan 99999999999999999999 0x10 1_0 1,5 null "
    "true '1' [1] {} \u0663 1e --1 007".encode().split()
)
STRETCHES = (
    *(b"\x00", b"\xff\xfe", b"\r", b"\t", b"\n\n", b"\xe2\x80\xa8", b"\x1b[2J", b": ", b"- "),
    *b"& * # !!python/object <!-- ]]> \" ' { [ ../".split(),
)


def bytes_changed(data: bytes, rng: random.Random) -> bytes:
    """A few bytes set, cut out, put in or doubled; or the end is missing."""
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 30])):
        place, length = rng.randrange(len(found) + 1), rng.choice([1, 1, 4, 100])
        kind = rng.randrange(5)
        if kind == 0:
            found[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del found[place : place + length]
        elif kind == 2:
            found[place:place] = rng.choice(STRETCHES) * rng.choice([1, 1, 200])
        elif kind == 3:
            found[place:place] = found[place : place + length]
        elif rng.random() < 0.1:
            del found[place:]
    return bytes(found)


def lines_changed(data: bytes, rng: random.Random) -> bytes:
    """Lines doubled, dropped, swapped, moved in or out."""
    lines = data.split(b"\n")
    for _ in range(rng.choice([1, 1, 2, 4])):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        kind = rng.randrange(5)
        if kind == 0:
            lines.insert(j, lines[i])
        elif kind == 1 and len(lines) > 1:
            del lines[i]
        elif kind == 2:
            lines[i], lines[j] = lines[j], lines[i]
        elif kind == 3:
            lines[i] = b"  " + lines[i]
        else:
            lines[i] = lines[i][2:]
    return b"\n".join(lines)


def numbers_changed(data: bytes, rng: random.Random) -> bytes:
    """One to three numbers become others, or none."""
    places = [match.span() for match in NUMBER.finditer(data)]
    chosen = rng.sample(places, min(len(places), rng.choice([1, 1, 2, 3])))
    for first, last in sorted(chosen, reverse=True):
        data = data[:first] + rng.choice(NUMBERS) + data[last:]
    return data
