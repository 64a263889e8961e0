"""Triggers: the steps by which a server can show that it breaks a clause.

A server with one known bug shows that bug in many scenarios, and the suite must neither report the others for it nor
stop looking at them. TRIGGERS says for each clause which steps show it. It has two uses, both in `masking.py`:

- A clause that is known to be broken explains a violation only where the steps before the violation hold a trigger.
- A scenario that a known clause has broken is played again without its trigger: a quit becomes a half-close, unusual
  bytes become letters, a reset is left out.

A violation of a clause without a trigger in this table explains nothing but itself. Steps here are those of a scenario,
or those that clients performed. `rewritings.py` takes triggers out of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.rewritings import (
    Rewriting,
    alone,
    always_reading,
    capitals,
    chunk_by_chunk,
    closing,
    half_closing,
    in_turn,
    is_like_quit,
    is_unusual,
    letters,
    letting_go,
    nothing_empty,
    one_at_a_time,
    one_each,
    quitting,
    settled,
    short,
    speaking,
    staying,
    talkative,
    unlike_quit,
    waiting_for_the_reply,
)
from socketserver_reference.conformance.oracles.attribution import MAX_PLAIN_BYTES
from socketserver_reference.conformance.scenario.step import Utterance
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Close,
    Connect,
    Crowd,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
    WaitUntilHeard,
    join,
)

Steps = Sequence[Step]

STALLED_BYTES = 4096
"""Bytes said while a client does not read, from which on the client counts as a slow reader."""

MIN_CROWD_CLIENTS = 20
"""Clients at one time, from which on they are a crowd."""

LONG_DATAGRAM_BYTES = 256
"""Bytes of a datagram from which on it counts as long: every server takes shorter ones."""


@dataclass(frozen=True)
class Trigger:
    """One way to show that a clause is broken."""

    present: Callable[[Steps, Dialect], bool]
    """Whether the steps hold it."""
    without: tuple[Rewriting, ...] = ()
    """Ways to play the steps without it, the mildest first; none where that would leave nothing of a scenario."""
    probe: Steps = ()
    """Steps with this trigger and no other of the clause: they tell whether it is this one that the server fails on."""


# What the steps hold


def anything(_: Steps, __: Dialect) -> bool:
    return True


def audience(steps: Steps, _: Dialect) -> bool:
    """Several clients are there at one time."""
    return any(len(here) > 1 for here in _present(steps))


def _present(steps: Steps) -> Iterator[set[str]]:
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


def _under_way(steps: Steps) -> Iterator[tuple[int, int]]:
    """Yield after each utterance how many of the client, and how many bytes, may be under way."""
    under_way: dict[str, list[int]] = {}
    for step in steps:
        if step.waits:
            under_way.clear()
        if isinstance(step, Utterance):
            sizes = under_way.setdefault(step.who, [])
            sizes.append(len(step.data))
            yield len(sizes), sum(sizes)


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
    """Much is said while a client does not read."""
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
    return any(len(here) > MIN_CROWD_CLIENTS for here in _present(steps))


def changed_request(steps: Steps, dialect: Dialect) -> bool:
    """A client asks something that the reply does not repeat as it is."""
    return any(dialect.reply(step.data) != dialect.sent(step.data) for step in steps if isinstance(step, Utterance))


def blank(steps: Steps, _: Dialect) -> bool:
    return any(not step.data.strip() for step in steps if isinstance(step, Utterance))


def half_closes(steps: Steps, _: Dialect) -> bool:
    return any(isinstance(step, HalfClose) for step in steps)


def half_closed_request(steps: Steps, _: Dialect) -> bool:
    return any(isinstance(step, HalfClose) for step in steps) and any(step.burst for step in steps)


def abandoned(steps: Steps, _: Dialect) -> bool:
    return any(isinstance(step, Close | Abandon | Reset) for step in steps)


def empty_datagram(steps: Steps, _: Dialect) -> bool:
    return any(not step.data for step in steps if isinstance(step, Utterance))


def long_datagram(steps: Steps, _: Dialect) -> bool:
    return any(len(step.data) > LONG_DATAGRAM_BYTES for step in steps if isinstance(step, Utterance))


# The table

_PLAIN_REQUEST = (Connect("ann"), Say("ann", b"HELLO"))
_LONG_REQUEST = (Connect("ann"), Say("ann", b"LONG" * 200))
_MONOLOGUE = (Connect("ann"), Say("ann", b"ann is here"), Say("ann", b"nobody else"))
_IN_A_ROW: Steps = (
    Connect("ann"),
    Say("ann", b"ann is here"),
    *(Send("ann", b"one of many", with_next=True) for _ in range(20)),
    Settle(),
)
_DEPARTURES: Steps = (*join("ann", "ben"), HalfClose("ben"), Say("ann", b"and on"), HalfClose("ann"), *join("cal"))
_LONG_UTTERANCE = (Connect("ann"), Say("ann", b"ann is here"), Say("ann", b"long" * 200), Say("ann", b"and on"))


def _if(present: Callable[[Steps, Dialect], bool], *without: Rewriting, probe: Steps = ()) -> Trigger:
    return Trigger(present, without, probe)


TRIGGERS: Mapping[str, tuple[Trigger, ...]] = {
    "ECHO-1": (_if(anything),),
    "ECHO-2": (
        _if(changed_request, capitals),
        _if(long_utterance, short, probe=_LONG_REQUEST),
        _if(anything, probe=_PLAIN_REQUEST),
    ),
    "ECHO-3": (_if(half_closes, closing), _if(anything)),
    "ECHO-4": (_if(more_than_a_chunk, short),),
    "ECHO-5": (_if(blank, capitals),),
    "ECHO-6": (_if(half_closed_request, waiting_for_the_reply),),
    "ECHO-7": (_if(abandoned, half_closing),),
    "ECHO-8": (_if(silent_member, talkative, in_turn),),
    "ECHO-9": (_if(departures),),
    **dict.fromkeys(("ECHO-10", "ECHO-11"), ()),  # no other scenario limits descriptors, or starts a server again
    "UDP-1": (_if(anything),),
    "UDP-2": (_if(anything),),
    "UDP-3": (_if(empty_datagram, nothing_empty),),
    "UDP-4": (_if(long_datagram, short),),
    "UDP-5": (_if(abandoned, staying), _if(slow_reader, always_reading)),
    "CHAT-1": (_if(anything),),
    "CHAT-2": (_if(audience, alone), _if(anything, probe=_MONOLOGUE)),
    "CHAT-3": (_if(unusual_bytes, letters), _if(long_utterance, short, probe=_LONG_UTTERANCE)),
    "CHAT-4": (_if(anything),),
    "CHAT-5": (_if(several_under_way, settled),),
    "CHAT-6": (
        _if(more_than_a_piece, chunk_by_chunk),
        _if(long_frame, short, probe=_LONG_UTTERANCE),
        _if(frames_in_a_row, one_each, probe=_IN_A_ROW),
    ),
    "CHAT-7": (_if(quits, half_closing, staying),),
    "CHAT-8": (_if(like_quit, unlike_quit),),
    "CHAT-9": (_if(silent_member, speaking),),
    "CHAT-10": (_if(end_of_stream, quitting, letting_go, staying), _if(reset, probe=_DEPARTURES)),
    "CHAT-11": (_if(quits, staying), _if(end_of_stream, staying), _if(reset, probe=_DEPARTURES), _if(slow_reader)),
    "CHAT-12": (_if(reset, half_closing),),
    "CHAT-13": (_if(at_once, one_at_a_time), _if(hurried)),
    "CHAT-14": (_if(at_once, one_at_a_time), _if(slow_reader, always_reading)),
    "CHAT-15": (_if(slow_reader, always_reading),),
    "CHAT-16": (),  # a delay of 40 ms explains nothing that does not come at all
    "CHAT-17": (_if(crowd),),
    "CHAT-18": (_if(departures),),
    "CHAT-19": (),  # no other scenario limits descriptors
    "CHAT-20": (),  # no other scenario starts a server again at its port
    "CHAT-21": (),  # no other scenario is silent for long
}
"""Clause -> its triggers, for each clause that is decided over the network."""


ABOUT_VOLUME = ("CHAT-6", "CHAT-14", "CHAT-15")
"""Clauses that less than was said in their scenario does not decide."""


def still_decides(clause: str, before: Steps, after: Steps, dialect: Dialect) -> bool:
    """Whether rewritten steps decide a clause as the steps before did: by every trigger of it that these hold."""
    said, left = (sum(len(step.said) for step in steps) for steps in (before, after))
    enough = clause not in ABOUT_VOLUME or 2 * left >= said
    held = [trigger for trigger in TRIGGERS.get(clause, ()) if trigger.present(before, dialect)]
    return enough and bool(held) and all(trigger.present(after, dialect) for trigger in held)
