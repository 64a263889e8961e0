"""The report as one HTML page, for people: the verdicts, what was waived and why, and each violation with its exchange.

One file, which loads nothing; see `elements.py` for why a server cannot add markup to it. It is plain headings, tables
and lists, so it works without scripts, by keyboard, with a screen reader, on paper and on a phone. `page.css` is its
style.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from socketserver_reference.clauses import PROFILES, Clause
from socketserver_reference.conformance.reports.html.drawing import exchange, legend
from socketserver_reference.conformance.reports.html.elements import Child, listed, page, tag
from socketserver_reference.conformance.reports.markdown import LINK_TITLE
from socketserver_reference.conformance.reports.story import ViolationStory, first_difference, stories
from socketserver_reference.conformance.results.exit_codes import CONFORMS, VIOLATED
from socketserver_reference.conformance.results.report import OUTCOME_WORDS, SYMBOLS, Report, counts, own_version
from socketserver_reference.conformance.results.verdicts import Verdict
from socketserver_reference.conformance.scenario.text import printable


def write(report: Report) -> str:
    """Return the report as an HTML document."""
    title = f"{report.protocol} {report.conclusion}"
    told = stories(report)
    sections = [("violations-title", "Violations")] if told else []
    sections += [("verdicts", "Verdicts")]
    sections += [("changes", "Asked differently")] if report.changes else []
    sections += [("waived", "Waived")] if report.waived else []
    return page(
        f"{title}: {report.target}",
        _header(report, told),
        contents(sections),
        tag(
            "main",
            _misfit(report),
            *_violations(told, report.changes),
            _verdicts(report),
            *_dialect(report),
            lines("Reproductions", report.scripts),
            lines("Explored", report.explored),
            id="report",
        ),
    )


def _header(report: Report, told: Sequence[ViolationStory]) -> Element:
    when = report.began.strftime("%Y-%m-%d %H:%M UTC")
    facts: list[tuple[str, Child]] = [
        ("dialect", report.dialect),
        ("profile", (report.profile or "all") + (", strict" if report.strict else "")),
        ("seed", str(report.seed)),
        ("checked", f"{when}, in {report.seconds:.1f} s, by version {own_version()}"),
        *([("again", command(report.rerun, "the command"))] if report.rerun else []),
    ]
    return tag(
        "header",
        tag("p", f"{report.protocol} conformance", class_="over"),
        headline(report.conclusion, report.code),
        tag("p", tag("code", report.target), class_="target"),
        *(_summary(report, told) if not report.misfit else []),
        listed(facts, class_="facts"),
    )


def headline(text: str, code: int) -> Element:
    """Return the heading of a page, a sentence with a bar in the colour of an exit code."""
    return tag("h1", text[:1].upper() + text[1:], class_={CONFORMS: "good", VIOLATED: "bad"}.get(code, "unsure"))


def command(words: str, what: str) -> Element:
    """Return a command that the reader can copy; `what` it is, as part of a sentence."""
    return tag("code", words, class_="copy", data_what=what)


def _summary(report: Report, told: Sequence[ViolationStory]) -> list[Element]:
    """Return what came of the check in a few sentences, and each violation in one."""
    found = report.count()
    broken = [verdict for verdict in report.verdicts if verdict.outcome == "violated"]
    must = sum(verdict.clause.level == "MUST" for verdict in broken)
    known = sum(verdict.known is not None for verdict in broken)
    counts = [
        ("holds", "held", found["holds"]),
        ("violated", "MUST broken", must),
        ("violated should", "SHOULD broken", len(broken) - must),
        ("unconfirmed", "unconfirmed", found["unconfirmed"]),
        ("not-checked", "not checked", found["not-checked"]),
        ("not-applicable", "not applicable", found["not-applicable"]),
        ("known", "of them known", known),
    ]
    tiles = [tag("li", tag("b", str(n)), f" {what}", class_=kind) for kind, what, n in counts if n]
    lead = f"{found['holds']} of {len(report.verdicts)} clauses hold."
    if must:
        lead += f" The server breaks {must} that it must keep{', so it does not conform' if report.code == 1 else ''}."
    elif broken:
        lead += " What the server breaks, it should keep and need not."
    brief = [
        tag(
            "li",
            tag("a", story.clause.id, href=f"#{story.clause.id}"),
            " The server ",
            *promise(story.clause),
            f" ({story.confirmation})." if story.confirmation else ".",
        )
        for story in told
    ]
    return [
        tag("p", lead, class_="lead"),
        tag("ul", *tiles, class_="tiles", role="list"),
        *([tag("ul", *brief, class_="brief", role="list")] if brief else []),
    ]


def contents(sections: Sequence[tuple[str, str]]) -> Element:
    """Return the links to the sections of the page."""
    items = [tag("li", tag("a", name, href=f"#{anchor}")) for anchor, name in sections]
    return tag("nav", tag("ul", *items, role="list"), aria_label="On this page")


def _violations(stories: Sequence[ViolationStory], changes: Sequence[tuple[str, str]]) -> list[Child]:
    if not stories:
        return []
    drawn = any(story.events for story in stories)
    articles = [article(story, story.clause.id, changes) for story in stories]
    heading = tag("h2", "Violations", id="violations-title")
    return [tag("section", heading, legend() if drawn else None, *articles, aria_labelledby="violations-title")]


def article(story: ViolationStory, anchor: str, changes: Sequence[tuple[str, str]]) -> Element:
    """Return the whole story of a violation, to be linked to by the anchor, and what the dialect asks instead."""
    said: list[tuple[str, Child]] = [("dialect", what) for clause, what in changes if clause == story.clause.id]
    said += [("expected", _marked(story.expected, story)), ("observed", _marked(story.observed, story))]
    remarks = (("that is", story.place), ("replayed", story.confirmation), ("note", story.note))
    said += [(what, text) for what, text in remarks if text]
    said += [("again", command(story.again, f"the command for {story.clause.id}"))] if story.again else []
    said += [("page", tag("a", LINK_TITLE.format(story.clause.id), href=story.page))] if story.page else []
    said += [("before", tag("pre", "\n".join(story.before)))] if story.before else []
    shown = exchange(story)
    if story.clause.level == "SHOULD":
        shown = tag("details", tag("summary", "The exchange"), shown, class_="advice")
    return tag(
        "article",
        tag("h3", tag("a", story.clause.id, href=f"#{anchor}"), id=f"{anchor}-title"),
        tag("p", "The server ", *promise(story.clause), "."),
        listed(said, class_="said"),
        shown,
        _script(story),
        id=anchor,
        aria_labelledby=f"{anchor}-title",
    )


def _marked(text: str, story: ViolationStory) -> Element:
    """Return what was expected or observed, with a mark on all from the first byte in which these differ."""
    at = first_difference(story.expected, story.observed)
    return tag("code", text) if at is None else tag("code", printable(text)[:at], tag("mark", printable(text)[at:]))


def _script(story: ViolationStory) -> Element | None:
    """Return the script that shows a violation, for the reader to copy; None if there is none."""
    if not story.script:
        return None
    summary = tag("summary", "The script that shows it")
    text = tag("pre", story.script, class_="copy", data_what=f"the script for {story.clause.id}")
    return tag("details", summary, text, class_="script")


def promise(clause: Clause) -> list[Child]:
    """Return what a clause asks for, with what its sentence has between backticks as code."""
    parts = clause.sentence.split("`")
    return [f"{clause.level} ", *(tag("code", part) if index % 2 else part for index, part in enumerate(parts))]


def _verdicts(report: Report) -> Element:
    columns = [tag("th", name, scope="col") for name in ("clause", "verdict", "the server")]
    columns.append(tag("th", "time", scope="col", class_="time"))
    bodies = [
        tag("tbody", _profile(profile, of_profile), *(_verdict(verdict, report) for verdict in of_profile))
        for profile in PROFILES
        if (of_profile := [verdict for verdict in report.verdicts if verdict.clause.profile == profile])
    ]
    table = tag(
        "table", tag("caption", "Every clause, and what came of it"), tag("thead", tag("tr", *columns)), *bodies
    )
    return tag("section", tag("h2", "Verdicts", id="verdicts"), _filter(report), table, aria_labelledby="verdicts")


def _filter(report: Report) -> Element:
    """Return what selects the rows of the table that are shown: `page.css` hides the others."""
    should = sum(verdict.clause.level == "SHOULD" for verdict in report.verdicts)
    outcomes = report.count()
    choices = [("all", "all", len(report.verdicts)), ("violated", "violated", outcomes["violated"])]
    choices += [("should", "SHOULD", should), ("not-checked", "not checked", outcomes["not-checked"])]
    labels = [
        tag(
            "label",
            tag("input", type="radio", name="show", id=f"show-{kind}", checked="" if kind == "all" else None),
            f" {what} ({n})",
        )
        for kind, what, n in choices
    ]
    return tag("fieldset", tag("legend", "Show"), *labels, class_="filter")


def _profile(profile: str, verdicts: Sequence[Verdict]) -> Element:
    told = f"{profile}: {counts(verdict.outcome for verdict in verdicts)}"
    return tag("tr", tag("th", told, colspan="4", scope="rowgroup"), class_="profile")


def _verdict(verdict: Verdict, report: Report) -> Element:
    clause = verdict.clause
    seconds = f"{report.spent[clause.id]:.1f} s" if clause.id in report.spent else ""
    where = f"#{clause.id}" if verdict.violation else report.page(clause.id)
    name: Child = tag("a", clause.id, href=where) if where else clause.id
    why: Child = tag("code", verdict.why) if verdict.violation else verdict.why
    return tag(
        "tr",
        tag("th", name, scope="row"),
        tag("td", *outcome(verdict.outcome), class_="verdict"),
        tag(
            "td",
            *promise(clause),
            tag("div", why, class_="why") if verdict.why else None,
            tag("div", f"listed: {verdict.known}", class_="why") if verdict.known else None,
            tag("div", "It holds: the entry is stale, and therefore the check fails.") if verdict.stale else None,
        ),
        tag("td", seconds, class_="time"),
        class_=verdict.outcome + (" should" if clause.level == "SHOULD" else ""),
    )


def outcome(word: str) -> list[Child]:
    """Return an outcome as a sign and a word."""
    return [tag("span", SYMBOLS.get(word), aria_hidden="true"), f" {OUTCOME_WORDS.get(word, word)}"]


def _dialect(report: Report) -> list[Child]:
    """Return the clauses that the dialect changes or waives."""
    sections: list[Child] = []
    for anchor, heading, intro, told in (
        ("changes", "Asked differently", " asks this differently:", report.changes),
        ("waived", "Waived", " does not ask this of the server:", report.waived),
    ):
        if told:
            said = tag("p", "The dialect ", tag("code", report.dialect), intro)
            parts = (tag("h2", heading, id=anchor), said, listed(told, class_="waived"))
            sections.append(tag("section", *parts, aria_labelledby=anchor))
    return sections


def _misfit(report: Report) -> Element | None:
    if not report.misfit:
        return None
    return tag("section", tag("h2", "Another dialect", id="misfit"), tag("pre", "\n".join(report.misfit)))


def lines(heading: str, told: Sequence[str]) -> Element | None:
    """Return a section of lines, or nothing if there are none."""
    if not told:
        return None
    anchor = heading.lower()
    items = tag("ul", *(tag("li", line) for line in told))
    return tag("section", tag("h2", heading, id=anchor), items, aria_labelledby=anchor)
