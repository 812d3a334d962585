"""The page of an audit: verdict first, then the evidence. One HTML text, self-contained."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from simenv.audit.report import Report
from simenv.view.audit.bias import bias_section
from simenv.view.audit.coverage import cells_section, coverage_section
from simenv.view.audit.domain import domain_section
from simenv.view.audit.html import facts, percent
from simenv.view.audit.place import place_section
from simenv.view.audit.reject import reject_section
from simenv.view.audit.rows import days_section, edges_section, repeats_section, splits_section
from simenv.view.audit.thumb import Album

__all__ = ["audit_html"]


def audit_html(report: Report, album: Album) -> str:
    """The page as one HTML text that refers to nothing outside itself."""
    name = escape(report.about.name)
    style = "".join(_file(own) for own in ("page.css", "audit.css"))
    body = (
        domain_section(report)
        + coverage_section(report)
        + bias_section(report, album)
        + reject_section(report)
        + place_section(report)
        + edges_section(report, album)
        + cells_section(report, album)
        + repeats_section(report, album)
        + days_section(report)
        + splits_section(report)
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name} · audit · simenv</title><style>{style}</style></head>\n<body><main>"
        f'<h1>{name} <small>audit</small></h1><p class="summary">{escape(report.about.summary)}</p>'
        f"{_verdicts(report)}{_facts(report)}\n{body}</main></body></html>\n"
    )


def _file(name: str) -> str:
    return files("simenv.view").joinpath(name).read_text(encoding="utf-8")


def _verdicts(report: Report) -> str:
    rows = "".join(
        f'<li class="{"fine" if own.fine else "flag"}"><a href="#{escape(own.section)}">'
        f"{escape(own.text)}</a></li>"
        for own in report.verdicts
    )
    return f'<ul class="verdicts card">{rows}</ul>'


def _facts(report: Report) -> str:
    own = report.about
    rows = [
        ("scenes", f"{own.accepted:,} of {own.scenes:,} accepted"),
        ("attempts", f"{own.attempts:,}, {percent(own.accepted / max(own.attempts, 1))} accepted"),
        ("images", f"{own.images:,}"),
        ("parts", f"{own.parts:,}"),
        ("classes", str(len(own.classes))),
        ("audited", "all scenes" if report.tier == "all" else f"{report.tier} scenes"),
        *((name, str(own.attrs[name])) for name in ("seed", "tier", "renderer", "simenv_version")),
    ]
    return facts(rows)
