"""What a finding is: a verdict and a line of text; and how text is shown in a terminal."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Line", "plain"]


@dataclass(frozen=True)
class Line:
    """One finding."""

    verdict: str  # "ok", "note": something optional is missing or to look at, "FAIL"
    text: str

    def __str__(self) -> str:
        return f"{self.verdict:4}  {self.text}"


def plain(text: str) -> str:
    """``text`` with everything escaped that would steer a terminal or hide; lines stay lines."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else _code(letter) for letter in text
    )


def _code(letter: str) -> str:
    return ascii(letter)[1:-1]
