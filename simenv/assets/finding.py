"""What is said of an import: a verdict and a line of text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    verdict: str  # "ok", "mend": changed in the mesh, "note": to look at
    text: str

    def __str__(self) -> str:
        return f"{self.verdict:4}  {self.text}"
