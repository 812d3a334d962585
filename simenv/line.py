"""What a finding is: a verdict and a line of text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Line"]


@dataclass(frozen=True)
class Line:
    """One finding."""

    verdict: str  # "ok", "note": something optional is missing or to look at, "FAIL"
    text: str

    def __str__(self) -> str:
        return f"{self.verdict:4}  {self.text}"
