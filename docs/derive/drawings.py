"""The directed scenario of a clause as a sequence diagram: what the clients and the reference did, drawn as in reports.

The checks of the suite are played here against the reference itself. So the diagram is that of the scenario that
`check` plays, and shows what a server that keeps the clause sends.
"""

import logging
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from socketserver_reference.address import Address
from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.driver.scenario_runner import ScenarioRunner
from socketserver_reference.conformance.driver.session import Session
from socketserver_reference.conformance.oracles.measured.exhaustion import Exhaustion
from socketserver_reference.conformance.oracles.measured.growth import Visits
from socketserver_reference.conformance.oracles.measured.scaling import Room
from socketserver_reference.conformance.reports.html import elements
from socketserver_reference.conformance.reports.html.drawing import exchange, legend
from socketserver_reference.conformance.reports.story import StoryEvent, ViolationStory, events
from socketserver_reference.conformance.results.outcomes import NotApplicable
from socketserver_reference.conformance.runner import direct
from socketserver_reference.conformance.scenario.steps import Step
from socketserver_reference.conformance.scenario.transcript import Transcript
from socketserver_reference.conformance.targets.in_process import InProcess
from socketserver_reference.family import PROGRAMS, make_server

TIMEOUT = 10.0
"""Seconds to wait for anything that the reference sends."""

PROGRAM = {"chat": ("chat", "tcp"), "echo": ("echo", "tcp"), "datagram": ("echo", "udp")}
"""Conformance class -> program of the reference, and its transport."""

FIRST, LAST = 40, 8
"""Events at the beginning and at the end of a long exchange that a page shows."""

SCOPE = "drawn-exchange"
"""The class around a drawing: the styles of the HTML report apply within it alone."""


class Recorder(ScenarioRunner):
    """The `play` fixture, which keeps the transcripts of what it plays."""

    def __init__(self, session: Session, clause: str) -> None:
        super().__init__(session, clause)
        self.transcripts: list[Transcript] = []

    def __call__(self, *steps: Step) -> Transcript:
        self.transcripts.append(super().__call__(*steps))
        return self.transcripts[-1]

    def measure_lag(self, *steps: Step, prompt: str, late: str) -> None:  # noqa: ARG002 - the signature is the check's
        """Play the steps without a clock: how fast this machine is, is no matter of a diagram."""
        self(*steps)

    def measure_delay(self, *steps: Step, alone: Sequence[str], beside: str) -> None:  # noqa: ARG002 - as above
        """Play the steps without a clock."""
        self(*steps)

    def grow(self, visits: Visits) -> None:
        """Play each way to come and leave once."""
        self(*visits.steps(1))

    def exhaust(self, exhausts: Exhaustion) -> None:
        """Play what clients do; that descriptors are few cannot be drawn."""
        self(*exhausts.steps)

    def come_back(self, *steps: Step) -> None:
        """Play what clients do before: the end of a server cannot be drawn."""
        self(*steps)

    def rest(self, *steps: Step) -> None:
        """Play what clients do before: what a server does not do cannot be drawn."""
        self(*steps)

    def scale(self, room: Room, many: int) -> bool:  # noqa: ARG002 - the signature is the check's
        """Play nothing: what a crowd costs cannot be drawn."""
        return False


@contextmanager
def without_log() -> Iterator[None]:
    """Have servers in this process log nothing meanwhile."""
    log = logging.getLogger("socketserver_reference")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def play_all(protocol: str) -> Iterator[tuple[str, str, list[Transcript]]]:
    """Yield for each directed check the clause, the check's name, and what happened."""
    program, transport = PROGRAM[protocol]
    target = InProcess(partial(make_server, PROGRAMS[program], Address(transport, "127.0.0.1")))
    with without_log(), closing(direct.open_session(protocol, target, TIMEOUT)) as session:
        suite = direct.SUITES[protocol]
        for clause, name in direct.checks(suite):
            recorder = Recorder(session, clause)
            check: Any = getattr(suite(), name)
            try:
                check(recorder)
            except NotApplicable:
                continue  # it is for other dialects than the reference's
            yield clause, name, recorder.transcripts


def drawing(clause: str, transcript: Transcript) -> str:
    """Return the diagram of an exchange as HTML on one line."""
    happened = events(transcript)
    if len(happened) > FIRST + LAST:
        left_out = len(happened) - FIRST - LAST
        happened[FIRST:-LAST] = [StoryEvent("skips", (), f"{left_out} events are left out")]
    story = ViolationStory(CLAUSES[clause], "", "", "", "", tuple(transcript.lines()), tuple(happened))
    return html(exchange(story))


def how_to_read() -> str:
    """Return what the signs of a diagram mean, as HTML on one line."""
    return html(legend())


def html(element: ET.Element) -> str:
    """Return an element as HTML on one line, within which the styles of a report apply."""
    return ET.tostring(elements.tag("div", element, class_=SCOPE), encoding="unicode", method="html")


def styles() -> str:
    """Return the styles of the HTML report, for drawings alone, in the colours of the page around them."""
    css = elements.STYLE.read_text(encoding="utf-8")
    light, dark = (_colours(block) for block in _roots(css))
    return (
        f"body {{ {light} }}\n"
        f'body[data-theme="dark"] {{ {dark} }}\n'
        f'@media (prefers-color-scheme: dark) {{ body:not([data-theme="light"]) {{ {dark} }} }}\n'
        f".{SCOPE} {{\n{css}\n}}\n"
    )


def _roots(css: str) -> Sequence[str]:
    """Return what is declared for the whole page: in light, and in dark."""
    found = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(found) >= 2, "page.css no longer declares its colours in :root, for light and for dark"
    return found[:2]


def _colours(block: str) -> str:
    return " ".join(re.findall(r"--[\w-]+:[^;]+;", block))
