"""The timeline of a row as text, escaped."""

from socketserver_faults.demo.rows import CallEvent, PlayedConnection, PlayedRow
from socketserver_faults.lanes import head, in_lane
from socketserver_reference.conformance.scenario.text import show

TIMELINE_COLUMNS = 40
"""Width of a lane, in columns."""

DEPTHS = {"process_request": 0, "finish_request": 1, "shutdown_request": 1}
"""Depth of the calls of `socketserver`; all other calls are one deeper."""


def render(play: PlayedRow) -> str:
    """Return a played row as text: the timeline in two lanes, the client's events between them, and the result."""
    hides = not play.joined and not play.first.error
    victim = f", although its handler joins: {play.next.error}; now {play.closed_then} members are closed sockets"
    return "\n".join(
        [
            f"    {head(['handler thread', 'worker thread'], TIMELINE_COLUMNS)}",
            *(f"    {line}" for event in play.first.events for line in render_event(event)),
            "",
            f"    the worker       {play.first.error or 'no exception'}{': the bug hides' if hides else ''}",
            f"    the client       {render_heard(play.first)}",
            f"    the member set   {'the closed socket is still a member' if play.closed else 'clean'}",
            f"    the next client  {render_heard(play.next)}{victim if play.next.error else ''}",
        ]
    )


def render_event(event: CallEvent) -> list[str]:
    if event.lane == "client":
        return [f"- - - - the client {event}"]
    lane, depth = (1, 0) if event.lane == "worker" else (0, 2 * DEPTHS.get(event.call, 2))
    return in_lane(lane, str(event), TIMELINE_COLUMNS, depth)


def render_heard(talk: PlayedConnection) -> str:
    return f"heard {show(talk.heard)}" if talk.heard else "heard nothing but end of stream"
