"""The reports as what reads them finds them: Markdown by GitHub's renderer, HTML as text, JSON read back, diagrams."""

import html
import json
from collections.abc import Callable
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.reports import json_report, junit, markdown
from socketserver_reference.conformance.reports.html import page
from socketserver_reference.conformance.reports.html.lanes import MAX_LANES, draw
from socketserver_reference.conformance.reports.story import MAX_EVENT_BYTES, MAX_STORY_EVENTS, ViolationStory
from socketserver_reference.conformance.results import report as results_report
from socketserver_reference.conformance.results.report import Report, own_version
from socketserver_reference.conformance.scenario.steps import KINDS, Connect, Say, Send, Stall, join
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.scenario.transcript import Did, Ended, Heard
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Replays
from tests.support.exchanges import EVERYTHING, MARKUP, crowded, did, report, story, violation

WAIVED = [("CHAT-8", "it has no quit word"), (MARKUP, MARKUP)]


# Markdown


class Elements(HTMLParser):
    """The names of all elements of some HTML, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert not attrs or (tag, attrs) == ("pre", [("lang", "text")]), f"{tag} has {attrs}"
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(source: str) -> Elements:
    """Return what GitHub makes of Markdown, without what it would take out for safety's sake."""
    return Elements(cmarkgfm.github_flavored_markdown_to_html(source, Options.CMARK_OPT_UNSAFE))


def test_markdown_shows_markup_and_believes_none() -> None:
    harmless = report(violation(EVERYTHING), target="mine", waived=WAIVED[:1])
    changes = [(MARKUP, MARKUP)]
    hostile = report(violation(EVERYTHING, observed=MARKUP), waived=[WAIVED[1]], changes=changes, dialect=MARKUP)
    shown = rendered(markdown.write(hostile))
    assert set(shown.names) == set(rendered(markdown.write(harmless)).names)
    head, table, threads_below = (
        ["target", "dialect"],
        ["CHAT-2", "CHAT-4"],
        ["dialect", *changes[0], *WAIVED[1], "observed"],
    )
    assert shown.text.count(printable(MARKUP)) == len([*head, *table, *threads_below])
    assert shown.names.count("tr") == 1 + len(hostile.verdicts)
    assert shown.names.count("td") == 3 * len(hostile.verdicts)
    assert shown.names.count("h2") == shown.names.count("details") == shown.names.count("pre") == 1


def test_markdown_without_violations_is_a_heading_and_a_table() -> None:
    shown = rendered(markdown.write(report(conclusion="conforms")))
    assert shown.text.startswith("chat conforms")
    assert "details" not in shown.names


def test_a_note_is_told_everywhere() -> None:
    noted = violation(EVERYTHING)
    noted.note = "found by exploration"
    assert "found by exploration" in markdown.write(report(noted))
    assert json_report.build(report(noted))["clauses"][1]["note"] == "found by exploration"


def test_a_fence_is_longer_than_what_it_holds() -> None:
    lines = ["a ```` b", "`"]
    assert markdown.fenced(lines) == ["`````text", *lines, "`````"]
    assert markdown.fenced(["no backticks"])[0] == "```text"


def test_markdown_that_would_be_too_long_leaves_exchanges_out_and_says_so() -> None:
    short = markdown.fit("head\n", ["small\n", "é" * 500, "small\n"], limit=200)
    assert short == "head\nsmall\nsmall\n\n1 of the exchanges would make this too long and are left out.\n"
    assert len(short.encode()) <= 200


# HTML, as far as it can be tried without a browser (test_page.py has the rest)


class Page(HTMLParser):
    """The elements of a page with their classes, and all of its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.classes: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.classes += (dict(attrs).get("class") or "").split()
        assert not [name for name, _ in attrs if name.startswith("on") or name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_holds_everything_as_text() -> None:
    wire = [Did(Say("ann", b"hi"), b"hi\r\n"), *did(*(Say("ann", b"%d" % number) for number in range(60)))]
    unplayed = VIOLATIONS["CHAT-3"]("a", "b", [MARKUP])
    unplayed.note = MARKUP
    told = report(
        violation([*EVERYTHING, *wire]),
        unplayed,
        violation(crowded(), "CHAT-17", "m199 reads nothing"),
        waived=WAIVED,
        changes=[("CHAT-2", "in lines")],
        explored=[MARKUP],
        scripts=[MARKUP],
    )
    shown = Page(page.write(told))
    assert not {"img", "link"} & set(shown.names)
    assert shown.names.count("script") == 1
    assert shown.text.count(printable(MARKUP)) == len(
        ["title", "target", "note", "line", "why", *WAIVED[1], "explored", "scripts"]
    )
    assert r"on the wire b'hi\r\n'" in shown.text
    assert {"repeated", "whole", "wire", "wrong", "legend", "lines"} <= set(shown.classes)


def test_a_page_without_violations_has_no_lanes() -> None:
    shown = Page(page.write(report(conclusion="conforms", code=0, target="mine")))
    assert "article" not in shown.names
    assert not {"legend", "exchange"} & set(shown.classes)
    unplayed = Page(page.write(report(VIOLATIONS["CHAT-2"]("a", "b", ["1 ann connects"]))))
    assert "article" in unplayed.names
    assert "legend" not in unplayed.classes


def test_a_page_says_what_a_broken_should_and_another_dialect_mean() -> None:
    advice = Page(page.write(report(violation(crowded(), "CHAT-17", "m199 reads nothing"), code=0)))
    assert "What the server breaks, it should keep and need not." in advice.text
    assert "advice" in advice.classes
    other = Page(page.write(report(code=2, misfit=["it says nothing"])))
    assert "it says nothing" in other.text
    assert "lead" not in other.classes


# JSON


def test_json_is_read_back_as_the_same_story() -> None:
    told = story(EVERYTHING)
    clauses = json.loads(json_report.write(report(violation(EVERYTHING))))["clauses"]
    (broken,) = [clause for clause in clauses if clause["events"] is not None]
    assert ViolationStory.read(broken) == told
    assert [event["does"] for event in broken["events"]][:5] == ["connects", "says", "reads", "connects", "stalls"]


def test_json_holds_what_was_waived_and_which_version_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    built = json_report.build(report(waived=WAIVED, changes=[("CHAT-2", "in lines")]))
    assert built["waived"][0] == {"clause": "CHAT-8", "why": "it has no quit word"}
    assert built["changes"] == [{"clause": "CHAT-2", "what": "in lines"}]
    assert built["version"] == own_version() != ""
    monkeypatch.setattr(results_report, "DISTRIBUTION", "no-such-distribution")
    assert own_version() == ""


def test_bytes_on_the_wire_are_told_where_they_differ() -> None:
    (event,) = story([Did(Say("ann", b"hi"), b"hi\r\n")]).events
    assert (event.data, event.sent) == (b"hi", b"hi\r\n")
    assert event.as_json()["sent"] == r"b'hi\r\n'"
    assert story([Did(Say("ann", b"hi"), b"hi")]).events[0].sent == b""


def test_the_page_marks_all_from_the_first_byte_that_differs_in_what_was_expected_and_in_what_was_observed() -> None:
    told = VIOLATIONS["CHAT-2"]("ann reads b'ack<b>'", "ann reads b'ack\x1b'", [])
    shown = page.write(report(told))
    assert "<code>ann reads b'ack<mark>&lt;b&gt;'</mark></code>" in shown
    assert "<code>ann reads b'ack<mark>\\x1b'</mark></code>" in shown
    assert "<mark>" not in page.write(report(VIOLATIONS["CHAT-2"]("ann reads b'ack'", "ann reads nothing", [])))


def test_a_long_exchange_is_kept_in_part() -> None:
    told = story(
        did(
            *(Connect(f"c{number}") for number in range(2 * MAX_STORY_EVENTS + 7)),
            Send("c0", b"x" * 2 * MAX_EVENT_BYTES),
        )
    )
    assert len(told.events) == 2 * MAX_STORY_EVENTS + 1
    assert (told.events[MAX_STORY_EVENTS].does, told.events[MAX_STORY_EVENTS].line) == (
        "skips",
        "8 events are left out",
    )
    assert (len(told.events[-1].data), told.events[-1].size) == (MAX_EVENT_BYTES, 2 * MAX_EVENT_BYTES)


def test_every_step_has_a_word() -> None:
    assert all(kind.verb for kind in KINDS)


# Diagrams


def test_each_client_has_a_lane_and_each_lane_a_state() -> None:
    diagram = draw(story(EVERYTHING))
    assert diagram.lanes == ("ann", "ben", "cal", "dan", "eve", "fay")
    states = {
        (row.event.does, row.event.who): [row.before[row.lanes[0]], row.after[row.lanes[0]]]
        for row in diagram.rows
        if row.lanes
    }
    assert states["connects", ("ann",)] == ["away", "open"]
    assert states["stalls", ("ben",)] == ["open", "stalled"]
    assert states["resumes", ("ben",)] == ["stalled", "open"]
    assert states["half-closes", ("ben",)] == ["open", "half-closed"]
    assert states["ends", ("ben",)] == ["half-closed", "away"]
    assert states["closes", ("cal",)] == states["resets", ("dan",)] == ["open", "away"]
    assert states["breaks", ("eve",)] == ["open", "away"]


@pytest.mark.parametrize(
    ("observed", "line"),
    [
        ("fay reads nothing", "fay reads nothing for 5 s"),
        ("eve reads connection reset; the server ended with exit status 1", "eve reads connection reset"),
        ("ann reads b'ackhi'", "ann reads b'ackhi'"),
        ("it ended", "fay reads nothing for 5 s"),
    ],
)
def test_what_was_seen_is_marked(observed: str, line: str | None) -> None:
    marked = [row.event.line for row in draw(story(EVERYTHING, observed=observed)).rows if row.event.shows]
    assert marked == [line]


def test_a_crowd_shares_a_lane_but_for_who_matters() -> None:
    diagram = draw(story(crowded(), clause="CHAT-17", observed="m199 reads nothing"))
    assert diagram.lanes == ("ann", "m199", "others")
    lines = [row.event.line for row in diagram.rows]
    assert lines[1:] == [
        "200 clients, m0 to m199, connect in one instant",
        "ann says b'hi'",
        "ann reads b'ackhi'",
        "199 others each read b'ackhi'",
        "m199 reads nothing for 1 s",
    ]
    assert diagram.rows[1].lanes == (1, 2)


def test_others_who_end_alike_are_told_together() -> None:
    crowd = tuple(f"m{number}" for number in range(20))
    entries = [*did(*(Connect(who) for who in crowd)), *(Ended(who, "eof") for who in crowd)]
    diagram = draw(story(entries))
    assert len(diagram.lanes) == MAX_LANES
    assert "13 others each read end of stream" in [row.event.line for row in diagram.rows]
    assert set(diagram.rows[-1].after) == {"away"}


def test_a_lane_that_some_share_is_as_lively_as_the_liveliest() -> None:
    busy = [step for number in range(MAX_LANES) for step in (Connect(f"b{number}"), Stall(f"b{number}"))]
    quiet = ("q1", "q2", "q3")
    entries = did(*(Connect(who) for who in quiet), Stall("q1"), *busy)
    last = draw(story(entries)).rows[-1]
    assert last.after[-1] == "stalled"


def test_who_came_while_events_were_left_out_is_there_all_the_same() -> None:
    told = draw(story([Heard("ann", b"hi", 1.0)])).rows[0]
    assert (told.before, told.after) == (("open",), ("open",))
    assert join("ann")[0] == Connect("ann")


# How to check it again


@pytest.mark.parametrize("written", [json_report.write, junit.write, markdown.write, page.write])
def test_every_report_says_which_version_checked_and_how_to_do_it_again(written: Callable[[Report], str]) -> None:
    command = "socketserver-reference check chat --launch=serve"
    replayed = violation(EVERYTHING)
    replayed.replays = Replays(2, 3)
    shown = html.unescape(written(report(replayed, command=command)))
    assert own_version() in shown
    assert f"{command} --only CHAT-2" in shown
    assert "shown 2 of 3 times on fresh servers" in shown


@pytest.mark.parametrize("ended", [True, False])
def test_what_a_server_says_of_its_end_ends_no_lifeline(ended: bool) -> None:
    forged = violation(EVERYTHING, observed="ann reads b'hi; the server ended'")
    forged.server_ended = ended
    told = ViolationStory.of(forged)
    assert {row.server[1] for row in draw(told).rows} == ({"open", "away"} if ended else {"open"})
    (clause,) = [one for one in json.loads(json_report.write(report(forged)))["clauses"] if one["id"] == "CHAT-2"]
    assert ViolationStory.read(clause) == ViolationStory.of(forged, CLAUSES["CHAT-2"])
