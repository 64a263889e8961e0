"""The report of a failure as one HTML page: the violation as the suite's own report has it, and the schedule in lanes.

Next: `explore.py`.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from socketserver_faults.schedule.core.run import ScheduleTrace
from socketserver_faults.schedule.exploration.search import SearchResult
from socketserver_faults.schedule.exploration.story import ToldSchedule, deviation, failure_line, in_its_lane, told
from socketserver_reference.conformance.reports.html.drawing import legend
from socketserver_reference.conformance.reports.html.elements import Child, listed, page, tag
from socketserver_reference.conformance.reports.html.page import article, headline
from socketserver_reference.conformance.reports.story import ViolationStory

MAX_ROWS = 400
"""Most events of a schedule; a longer one loses its middle."""


def write(program: str, found: SearchResult, again: str) -> str:
    """Return the page about the failure of a program; `again` is the command that replays it."""
    assert found.outcome is not None
    assert found.outcome.failure is not None
    violation = ViolationStory.of(found.outcome.failure)
    facts: list[tuple[str, Child]] = [("again", tag("code", again))]
    return page(
        f"{program} {failure_line(found)}",
        tag(
            "header",
            tag("p", "schedules", class_="over"),
            headline(f"{program} breaks {violation.clause.id}", 1),
            tag("p", failure_line(found), class_="target"),
            listed(facts, class_="facts"),
        ),
        tag("main", legend(), article(violation, violation.clause.id, ()), _schedule(found.outcome.story), id="report"),
    )


def _schedule(story: ScheduleTrace) -> Element:
    schedule = told(story)
    titles = [tag("th", title, scope="col") for title in schedule.titles]
    begins = "from shortly before the first switch of threads" if schedule.cut else "from the beginning"
    table = tag(
        "table",
        tag("caption", f"What each thread does, {begins}; before HERE, another thread would have gone on"),
        tag("thead", tag("tr", *titles)),
        tag("tbody", *_rows(schedule)),
    )
    heading = tag("h2", "Schedule", id="schedule")
    return tag("section", heading, tag("div", table, class_="wide"), aria_labelledby="schedule")


def _rows(schedule: ToldSchedule) -> Iterator[Element]:
    width = str(len(schedule.lanes))
    left_out = range(MAX_ROWS // 2, len(schedule.events) - MAX_ROWS // 2)
    for index, event in enumerate(schedule.events):
        if index in left_out:
            if index == left_out.start:
                yield tag("tr", tag("td", f"{len(left_out)} events are left out", class_="why", colspan=width))
            continue
        if event.instead:
            yield tag("tr", tag("td", deviation(event), class_="verdict", colspan=width), class_="violated")
        if placed := in_its_lane(event, schedule.lanes):
            lane, what = placed
            yield tag("tr", *(tag("td", what if lane == at else "") for at in range(len(schedule.lanes))))
