"""Conditions: what the steps of a scenario hold by which a server can show that it breaks a clause.

`triggers.py` says of which clause each is a trigger.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.rewritings import is_like_quit, is_unusual
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.attribution import MAX_PLAIN_BYTES
from socketserver_reference.conformance.scenario.step import Utterance
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Approach,
    Begin,
    Close,
    Crowd,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Send,
    Stall,
    Step,
    WaitUntilHeard,
)

Steps = Sequence[Step]

CAPITALS = re.compile(rb"[A-Z]*")
"""Requests in which no server has anything to change, whatever it does to letters and white space."""

STALLED_BYTES = 4096
"""Bytes said while a client does not read, from which on the client counts as a slow reader."""

MIN_CROWD_CLIENTS = 20
"""Clients at one time, from which on they are a crowd."""

LONG_DATAGRAM_BYTES = 256
"""Bytes of a datagram from which on it counts as long: every server takes shorter ones."""


def anything(_: Steps, __: Dialect) -> bool:
    return True


def audience(steps: Steps, _: Dialect) -> bool:
    """Several clients are there at one time."""
    return any(len(here) > 1 for here in present(steps))


def shared_name(steps: Steps, _: Dialect) -> bool:
    """A client gives the name of another."""
    return any(isinstance(step, Approach) and step.namesake for step in steps)


def present(steps: Steps) -> Iterator[set[str]]:
    """Yield after each step the clients that are there."""
    here: set[str] = set()
    for step in steps:
        if step.comes:
            here.update(step.clients)
        elif step.leaves:
            here.difference_update(step.clients)
        yield here


def unusual_bytes(steps: Steps, dialect: Dialect) -> bool:
    """A client says more than printable ASCII, or white space where a chunk may end."""
    return any(is_unusual(step, dialect) for step in steps if isinstance(step, Utterance))


def long_utterance(steps: Steps, _: Dialect) -> bool:
    return any(len(step.data) > MAX_PLAIN_BYTES for step in steps if isinstance(step, Utterance))


def more_than_a_chunk(steps: Steps, dialect: Dialect) -> bool:
    """A client says more than the server takes at once, or an utterance that is long for a frame."""
    if not dialect.raw:
        return long_utterance(steps, dialect)
    return any(size > dialect.chunk for _, size in _under_way(steps))


def more_than_a_piece(steps: Steps, dialect: Dialect) -> bool:
    """The same, or an utterance longer than those that a long one becomes."""
    if dialect.raw:
        return more_than_a_chunk(steps, dialect)
    return any(step.waits and len(step.said) > dialect.piece for step in steps if isinstance(step, Utterance))


def long_frame(steps: Steps, dialect: Dialect) -> bool:
    return not dialect.raw and long_utterance(steps, dialect)


def several_under_way(steps: Steps, dialect: Dialect) -> bool:
    """A client says several chunks before they come back, or has them wait."""
    several = any(many > 1 or size > dialect.chunk for many, size in _under_way(steps))
    return several or any(isinstance(step, Stall) for step in steps)


def frames_in_a_row(steps: Steps, dialect: Dialect) -> bool:
    """A client says several frames before they come back: the server may read them together."""
    several = any(many > 1 for many, _ in _under_way(steps))
    return not dialect.raw and (several or any(step.burst and len(step.said) > dialect.piece for step in steps))


def in_pieces(steps: Steps, _: Dialect) -> bool:
    """A frame comes to the server in several segments."""
    return any(step.in_pieces for step in steps)


def bad_length(steps: Steps, _: Dialect) -> bool:
    """A client sends a length that is no number."""
    return any(isinstance(step, Begin) and step.bad for step in steps)


def unfinished(steps: Steps, _: Dialect) -> bool:
    """A client sends an utterance without its end."""
    return any(isinstance(step, Begin) for step in steps)


def answers_with_words(steps: Steps, _: Dialect) -> bool:
    """A client's last answer in the handshake comes in one segment with its first words."""
    return any(step.with_words for step in steps)


def _under_way(steps: Steps) -> Iterator[tuple[int, int]]:
    """Yield after each utterance how many of the client, and how many bytes, may be under way."""
    under_way: dict[str, list[int]] = {}
    for step in steps:
        if step.waits:  # until all that was said before has come back
            under_way.clear()
        if isinstance(step, Utterance):
            sizes = under_way.setdefault(step.who, [])
            sizes.append(len(step.data))
            yield len(sizes), sum(sizes)
        if step.waits:  # and until this has
            under_way.clear()


def quits(steps: Steps, dialect: Dialect) -> bool:  # without a quit word a client half-closes instead
    return bool(dialect.quit) and any(step.effect == "leaves" for step in steps)


def like_quit(steps: Steps, dialect: Dialect) -> bool:
    """A client says something that holds the quit word, in any case, with spaces in it or not."""
    return any(is_like_quit(step.data, dialect) for step in steps if isinstance(step, Utterance))


def departures(steps: Steps, _: Dialect) -> bool:
    return any(step.leaves for step in steps)


def silent_member(steps: Steps, _: Dialect) -> bool:
    """A client that has connected and said nothing, or has fallen silent, is there while another speaks."""
    silent: set[str] = set()
    for step in steps:
        if step.comes or step.effect == "falls silent":
            silent.update(step.clients)
        elif step.leaves:
            silent.difference_update(step.clients)
        elif isinstance(step, WaitUntilHeard) or (step.spoken_by and silent - {step.spoken_by}):
            return True
        silent.discard(step.spoken_by)
    return False


def end_of_stream(steps: Steps, dialect: Dialect) -> bool:
    return any(isinstance(step, HalfClose | Close | Abandon | (HalfClose if dialect.quit else Quit)) for step in steps)


def reset(steps: Steps, _: Dialect) -> bool:
    """A client resets, or closes with something under way or unread, which the kernel makes a reset."""
    under_way = False
    for step in steps:
        under_way = step.burst or (under_way and not step.waits)
        if isinstance(step, Reset | Abandon) or (isinstance(step, Close) and under_way):
            return True
    return False


def at_once(steps: Steps, _: Dialect) -> bool:
    """Two clients speak at once, or one comes or leaves while what another said is under way."""
    speaking: set[str] = set()
    for step in steps:
        if step.waits:
            speaking.clear()
        if step.burst:
            speaking.add(step.spoken_by)
        if len(speaking) > 1 or (speaking and (step.comes or step.leaves)):
            return True
    return False


def hurried(steps: Steps, _: Dialect) -> bool:
    """A client comes or leaves after an abrupt step: the server may still be delivering."""
    abrupt = False
    for step in steps:
        abrupt = abrupt or isinstance(step, Send | Crowd | Abandon | Reset | Stall)
        if abrupt and (step.comes or step.leaves):
            return True
    return False


def slow_reader(steps: Steps, _: Dialect) -> bool:
    """Much is said while a client does not read, or only while others wait."""
    stalled: set[str] = set()
    said = 0
    for step in steps:
        if isinstance(step, Stall):
            stalled.add(step.who)
        elif isinstance(step, Resume) or step.leaves:
            stalled.difference_update(step.clients)
        said = said + len(step.said) if stalled else 0
        if said > STALLED_BYTES:
            return True
    return False


def crowd(steps: Steps, _: Dialect) -> bool:
    return any(len(here) > MIN_CROWD_CLIENTS for here in present(steps))


def special_request(steps: Steps, dialect: Dialect) -> bool:
    """A client asks what the server repeats in another form, or more than printable ASCII without white space around
    it: not just capital letters.
    """
    asked = [step.data for step in steps if isinstance(step, Utterance) and not CAPITALS.fullmatch(step.data)]
    odd = (attribution.unusual_request(data) or not data == data.strip() == dialect.transformed(data) for data in asked)
    return any(odd)


def blank(steps: Steps, _: Dialect) -> bool:
    return any(not step.data.strip() for step in steps if isinstance(step, Utterance))


def half_closes(steps: Steps, _: Dialect) -> bool:
    return any(isinstance(step, HalfClose) for step in steps)


def several_requests(steps: Steps, _: Dialect) -> bool:
    """A client asks more than once."""
    asked = Counter(step.spoken_by for step in steps if step.said)
    return any(count > 1 for count in asked.values())


def half_closed_request(steps: Steps, _: Dialect) -> bool:
    return any(isinstance(step, HalfClose) for step in steps) and any(step.burst for step in steps)


def abandoned(steps: Steps, _: Dialect) -> bool:
    return any(isinstance(step, Close | Abandon | Reset) for step in steps)


def empty_datagram(steps: Steps, _: Dialect) -> bool:
    return any(not step.data for step in steps if isinstance(step, Utterance))


def long_datagram(steps: Steps, _: Dialect) -> bool:
    return any(len(step.data) > LONG_DATAGRAM_BYTES for step in steps if isinstance(step, Utterance))
