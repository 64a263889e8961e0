"""The ways in which a client comes and leaves: an echo's, and a chat's."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.measured.growth import Visits
from socketserver_reference.conformance.scenario.steps import (
    Approach,
    Close,
    Connect,
    HalfClose,
    Quit,
    Reset,
    Say,
    Send,
    Step,
    join,
)

Way = Sequence[Callable[[str], Step]]
"""What a client does, one step after another."""

SAYS = partial(Say, data=b"hello")


def echo_visits(dialect: Dialect) -> Visits:
    """Return how clients come to an echo and leave it."""
    ways: dict[str, Way] = {
        "asks": [Connect, SAYS, Close],
        "closes": [Connect, Close],
        "halfcloses": [Connect, HalfClose],
        "resets": [Connect, Reset],
        "asksandresets": [Connect, partial(Send, data=b"never mind"), Reset],
    }
    if dialect.echo_quits:
        ways["quits"] = [Connect, Quit]
    return Visits([], partial(_each_way, ways))


def chat_visits(dialect: Dialect) -> Visits:
    """Return how clients come to a room with one member, and leave it."""
    ways: dict[str, Way] = {
        "closes": [Connect, SAYS, Close],
        "halfcloses": [Connect, SAYS, HalfClose],
        "resets": [Connect, SAYS, Reset],
    }
    if dialect.quit:
        ways["quits"] = [Connect, SAYS, Quit]
    if dialect.handshake:
        ways |= {"turnsback": [Approach, Close], "turnsround": [Approach, Reset]}
    else:
        ways |= {"looksin": [Connect, Close], "looksround": [Connect, Reset]}
    return Visits(join("ann"), partial(_each_way, ways))


def _each_way(ways: Mapping[str, Way], number: int) -> list[Step]:
    """Return the steps of one client for each way; a client has the name of its way."""
    return [do(f"{way}{number}") for way, doing in ways.items() for do in doing]
