"""A diagram as HTML: the lanes on the left, each event in words on the right.

The words are a list and say everything, so the lanes are hidden from screen readers. Lanes narrow and words wrap, so
that no reader has to scroll sideways. `folding.py` folds what is long.
"""

from collections.abc import Iterator, Sequence
from typing import Literal
from xml.etree.ElementTree import Element

from socketserver_reference.conformance.reports.html.elements import Child, tag
from socketserver_reference.conformance.reports.html.folding import Fold, Part, fold
from socketserver_reference.conformance.reports.html.lanes import JOINING, Diagram, DiagramRow, draw, lay_out
from socketserver_reference.conformance.reports.story import StoryEvent, ViolationStory
from socketserver_reference.conformance.scenario.steps import KINDS
from socketserver_reference.conformance.scenario.text import MAX_SHOWN_BYTES, printable, show

MAX_WIDE_LANES = 5
"""Lanes that are wide enough for their names to lie, on a screen of usual width."""

MAX_LYING_NAME = 6
"""Characters of the longest name that fits into a wide lane; if one is longer, all names stand."""

MAX_LINE_BYTES = 64
"""Bytes in one line, where all of them are shown."""

OUTWARD = {kind.verb for kind in KINDS if kind.reaches_server}
"""Events that go from a client to the server."""

INWARD = {"reads", "ends", "breaks"}
"""Events that come from the server."""

LEGEND = (
    ("says", "says, and waits for the delivery or reply"),
    ("sends", "sends without waiting"),
    ("reads", "reads"),
    ("half-closes", "half-closes: sends end of stream, reads on"),
    ("closes", "closes"),
    ("abandons", "closes without reading"),
    ("resets", "resets"),
    ("ends", "reads end of stream"),
    ("breaks", "reads a reset"),
    ("stalls", "stops reading"),
    ("resumes", "reads again"),
    ("waits", "reads nothing, though bytes are expected"),
)


def exchange(story: ViolationStory) -> Element:
    """Return the exchange of a violation: as a diagram if it is known as data, otherwise in its words."""
    if not story.events:
        return tag(
            "pre",
            "\n".join(map(printable, story.lines)),
            class_="lines",
            tabindex="0",
            role="region",
            aria_label="Exchange",
        )
    return _drawn(draw(story), refused=story.shape == "refused")


def conversation(events: Sequence[StoryEvent]) -> Element:
    """Return events in which no violation shows, as a diagram."""
    return _drawn(lay_out(events), refused=False)


def _drawn(drawn: Diagram, *, refused: bool) -> Element:
    lanes = len(drawn.lanes) + 1
    stands = lanes > MAX_WIDE_LANES or max(map(len, drawn.lanes), default=0) > MAX_LYING_NAME
    parts = _parts(fold(drawn.rows), refused=refused)
    style = f"--lanes: {lanes}"
    return tag("div", _names(drawn), *parts, class_=f"exchange{' many' if stands else ''}", style=style)


def _names(drawn: Diagram) -> Element:
    names = [tag("span", tag("b", name)) for name in (*drawn.lanes, "server")]
    return tag("div", *names, class_="names", aria_hidden="true")


def _parts(parts: Sequence[Part], *, refused: bool) -> Iterator[Element]:
    """Yield lists of rows, and the folds between them."""
    rows: list[Element] = []
    for part in parts:
        if not isinstance(part, Fold):
            rows.append(_row(part, refused=refused))
            continue
        if rows:
            yield tag("ol", *rows, role="list")
            rows = []
        inner = _parts(part.parts, refused=refused)
        yield tag("details", tag("summary", part.summary), *inner, class_=f"fold {part.kind}")
    if rows:
        yield tag("ol", *rows, role="list")


def _row(row: DiagramRow, *, refused: bool) -> Element:
    event = row.event
    told = tag("div", *_words(event), tag("em", "The violation shows here.", class_="here") if event.shows else None)
    number = tag("span", str(event.step or ""), class_="number")
    told.set("class", "told")
    kind = event.does + (" step" if event.step else "") + (" wrong" if event.shows else "")
    kind += " refused" if refused and event.shows and event.does in JOINING else ""
    return tag("li", _lanes(row), number, told, class_=kind)


def _lanes(row: DiagramRow) -> Element:
    """Return the lifelines at a row, the arrow that crosses them, and the marks on those that it is about."""
    lines = []
    for index, (before, after) in enumerate(zip(row.before, row.after, strict=True)):
        mark = tag("b") if index in row.lanes else None
        lines.append(tag("i", mark, class_=f"{before}-before {after}-after"))
    before, after = row.server
    ends = tag("b", class_="dead") if (before, after) == ("open", "away") else None
    lines.append(tag("i", ends, class_=f"{before}-before {after}-after server"))
    way = _way(row.event.does)
    arrow = tag("span", class_=f"arrow {way}", style=f"--from: {row.lanes[0]}") if way and row.lanes else None
    return tag("span", *lines, arrow, class_="lanes", aria_hidden="true")


def _way(does: str) -> Literal["out", "in"] | None:
    """Return the direction of an event, from the client or to it, if it has one."""
    return "out" if does in OUTWARD else "in" if does in INWARD else None


def _words(event: StoryEvent) -> list[Child]:
    """Return an event in words, with its client and its bytes set off."""
    who = event.who[0] if len(event.who) == 1 else ""
    line = event.line.removeprefix(who)
    shown = (
        repr(event.data)
        if event.size <= MAX_SHOWN_BYTES
        else f"{event.data[:MAX_SHOWN_BYTES]!r}... ({event.size} bytes)"
    )
    bytes_ = shown if event.size and shown in line else ""
    before, _, after = line.partition(bytes_) if bytes_ else (line, "", "")
    told: list[Child] = [tag("strong", who) if who else None, before, tag("code", bytes_) if bytes_ else None, after]
    if event.sent:
        told.append(tag("span", "on the wire ", tag("code", show(event.sent)), class_="wire"))
    if event.size > MAX_SHOWN_BYTES:
        told.append(_whole(event))
    return told


def _whole(event: StoryEvent) -> Element:
    """Return a fold that opens to all bytes of an event that the report has."""
    kept = "" if event.size == len(event.data) else f"the first {len(event.data)} of "
    pieces = [repr(event.data[start : start + MAX_LINE_BYTES]) for start in range(0, len(event.data), MAX_LINE_BYTES)]
    summary = tag("summary", f"{kept}{event.size} bytes")
    return tag("details", summary, tag("pre", "\n".join(pieces)), class_="whole")


def legend() -> Element:
    """Return what the signs in the lanes mean."""
    entries = [tag("li", _sign(does), tag("span", meaning), class_=does) for does, meaning in LEGEND]
    return tag("details", tag("summary", "How to read the lanes"), tag("ul", *entries), class_="legend")


def _sign(does: str) -> Element:
    """Return two lanes, a client's and the server's, in which this happens."""
    arrow = tag("span", class_=f"arrow {way}", style="--from: 0") if (way := _way(does)) else None
    return tag("span", tag("i", tag("b")), tag("i", class_="server"), arrow, class_="lanes", aria_hidden="true")
