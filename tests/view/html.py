"""What an HTML text holds, read by Python's own parser; and that its tags are closed in order."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "wbr"}  # have no end tag
WBR = "\u2060"  # stands in the text for a place where a line may break
SVG_LEAVES = {"rect", "line", "path", "circle"}  # are closed at once


class Page(HTMLParser):
    """Every start tag with its attributes, and the text outside style and script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.open: list[str] = []

    @classmethod
    def of(cls, html: str) -> Page:
        """The page, after a check that it is well-formed."""
        page = cls()
        page.feed(html)
        page.close()
        assert not page.open, f"never closed: {page.open}"
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"an attribute of <{tag}> stands twice: {names}"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "wbr":
            self.text.append(WBR)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SVG_LEAVES, f"<{tag}/> is open in HTML"
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text.append(data)

    @property
    def said(self) -> str:
        """The text in reading order, one space between its words; a <wbr> is none."""
        return " ".join(" ".join(self.text).replace(f" {WBR} ", "").split())

    def attributes(self, tag: str) -> list[dict[str, str]]:
        """Those of every ``tag``, in order."""
        return [attributes for name, attributes in self.tags if name == tag]
