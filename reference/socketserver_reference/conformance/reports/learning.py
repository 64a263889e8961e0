"""What `learn` found, as its page shows it: keys with their reasons, and the conversations behind them as events."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from socketserver_reference.conformance.reports.story import StoryEvent


@dataclass(frozen=True)
class ToldKey:
    """A key of the proposal, with the reason for its value."""

    name: str
    value: str
    """As in a dialect file."""
    why: str
    sure: bool
    """Whether it is written, and is no comment."""
    subject: str = ""
    """The conversations that decided it; "" if those were several."""


@dataclass(frozen=True)
class Chapter:
    """The conversations about one subject."""

    subject: str
    events: tuple[StoryEvent, ...]


@dataclass(frozen=True)
class LearnedReport:
    """All that came of talking to one server."""

    protocol: str
    target: str
    conclusion: str
    """What came of it, in one line."""
    code: int
    """The exit code."""
    keys: Sequence[ToldKey] = ()
    remarks: Sequence[str] = ()
    """What may be bugs, what was not asked, and what to look at."""
    chapters: Sequence[Chapter] = ()
    file: str = ""
    """The dialect file; "" if nothing could be learned."""
    further: str = field(default="", kw_only=True)
    """The command to go on with, if there is one."""
