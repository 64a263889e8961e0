"""What `learn` found as one HTML page: each key with its reason, and the conversations from which it follows.

It has the form of the report of a check, and its diagrams.
"""

from xml.etree.ElementTree import Element

from socketserver_reference.conformance.reports.html.drawing import conversation, legend
from socketserver_reference.conformance.reports.html.elements import Child, listed, page, tag
from socketserver_reference.conformance.reports.html.page import command, contents, headline, lines
from socketserver_reference.conformance.reports.learning import Chapter, LearnedReport, ToldKey
from socketserver_reference.conformance.results.report import own_version

UNSURE_CODE = 2
"""The exit code whose colour a page has that is not sure."""


def write(report: LearnedReport) -> str:
    """Return the report as an HTML document."""
    anchors = {chapter.subject: f"chapter-{number}" for number, chapter in enumerate(report.chapters, 1)}
    sections = [("keys", "Keys")] if report.keys else []
    sections += [("remarks", "Remarks")] if report.remarks else []
    sections += [("conversations", "Conversations")] if report.chapters else []
    sections += [("file", "File")] if report.file else []
    return page(
        f"{report.conclusion}: {report.target}",
        _header(report),
        contents(sections),
        tag(
            "main",
            _keys(report, anchors),
            lines("Remarks", report.remarks),
            *_conversations(report, anchors),
            _file(report),
            id="report",
        ),
    )


def _header(report: LearnedReport) -> Element:
    facts: list[tuple[str, Child]] = [("by", f"version {own_version()}")]
    facts += [("next", command(report.further, "the next command"))] if report.further else []
    return tag(
        "header",
        tag("p", f"{report.protocol} dialect", class_="over"),
        headline(report.conclusion, min(report.code, UNSURE_CODE)),
        tag("p", tag("code", report.target), class_="target"),
        listed(facts, class_="facts"),
    )


def _keys(report: LearnedReport, anchors: dict[str, str]) -> Element | None:
    if not report.keys:
        return None
    columns = tag("tr", *(tag("th", name, scope="col") for name in ("key", "value", "reason")))
    rows = [_key(key, anchors) for key in report.keys]
    caption = tag("caption", "What was learned, and why; what is not sure is a comment in the file")
    table = tag("table", caption, tag("thead", columns), tag("tbody", *rows))
    return tag("section", tag("h2", "Keys", id="keys"), table, aria_labelledby="keys")


def _key(key: ToldKey, anchors: dict[str, str]) -> Element:
    place = anchors.get(key.subject)
    shown: Child = tag("a", key.subject, href=f"#{place}") if place else None
    return tag(
        "tr",
        tag("th", key.name, scope="row"),
        tag("td", tag("code", key.value), None if key.sure else tag("div", "not sure", class_="why")),
        tag("td", key.why, tag("div", "see ", shown, class_="why") if place else None),
    )


def _conversations(report: LearnedReport, anchors: dict[str, str]) -> list[Child]:
    if not report.chapters:
        return []
    told = [_chapter(chapter, anchors[chapter.subject]) for chapter in report.chapters]
    heading = tag("h2", "Conversations", id="conversations")
    return [tag("section", heading, legend(), *told, aria_labelledby="conversations")]


def _chapter(chapter: Chapter, anchor: str) -> Element:
    title = tag("h3", tag("a", chapter.subject, href=f"#{anchor}"), id=f"{anchor}-title")
    return tag("article", title, conversation(chapter.events), id=anchor, aria_labelledby=f"{anchor}-title")


def _file(report: LearnedReport) -> Element | None:
    if not report.file:
        return None
    return tag("section", tag("h2", "File", id="file"), tag("pre", report.file), aria_labelledby="file")
