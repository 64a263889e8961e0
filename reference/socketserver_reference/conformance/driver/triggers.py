"""Triggers: the steps by which a server can show that it breaks a clause.

A server with one known bug shows that bug in many scenarios, and the suite must neither report the others for it nor
stop looking at them. TRIGGERS says for each clause which steps show it. It has two uses, both in `masking.py`:

- A clause that is known to be broken explains a violation only where the steps before the violation hold a trigger.
- A scenario that a known clause has broken is played again without its trigger: a quit becomes a half-close, unusual
  bytes become letters, a reset is left out.

A violation of a clause without a trigger in this table explains nothing but itself. Steps here are those of a scenario,
or those that clients performed. `conditions.py` finds triggers in them, and `rewritings.py` takes them out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.conditions import (
    Steps,
    abandoned,
    anything,
    at_once,
    audience,
    blank,
    changed_request,
    crowd,
    departures,
    empty_datagram,
    end_of_stream,
    frames_in_a_row,
    half_closed_request,
    half_closes,
    hurried,
    in_pieces,
    like_quit,
    long_datagram,
    long_frame,
    long_utterance,
    more_than_a_chunk,
    more_than_a_piece,
    quits,
    reset,
    several_requests,
    several_under_way,
    shared_name,
    silent_member,
    slow_reader,
    unusual_bytes,
)
from socketserver_reference.conformance.driver.rewritings import (
    Rewriting,
    alone,
    always_reading,
    capitals,
    chunk_by_chunk,
    closing,
    giving_way,
    half_closing,
    in_one_piece,
    in_turn,
    letters,
    letting_go,
    nothing_empty,
    one_at_a_time,
    one_each,
    one_listener,
    own_names,
    quitting,
    settled,
    short,
    speaking,
    staying,
    talkative,
    unlike_quit,
    waiting_for_the_reply,
)
from socketserver_reference.conformance.scenario.steps import (
    Approach,
    Close,
    Connect,
    HalfClose,
    Say,
    Send,
    Settle,
    join,
)


@dataclass(frozen=True)
class Trigger:
    """One way to show that a clause is broken."""

    present: Callable[[Steps, Dialect], bool]
    """Whether the steps hold it."""
    without: tuple[Rewriting, ...] = ()
    """Ways to play the steps without it, the mildest first; none where that would leave nothing of a scenario."""
    probe: Steps = ()
    """Steps with this trigger and no other of the clause: they tell whether it is this one that the server fails on."""
    unless: Steps = ()
    """Steps without this trigger: where the server fails on these, the clause is not broken by this one."""


# The table

_PLAIN_REQUEST = (Connect("ann"), Say("ann", b"HELLO"))
_LONG_REQUEST = (Connect("ann"), Say("ann", b"LONG" * 200))
_MONOLOGUE = (Connect("ann"), Say("ann", b"ann is here"), Say("ann", b"nobody else"))
_DIALOGUE: Steps = (*join("ann", "ben", "cal"), *(Say(who, b"and on") for who in ("ann", "cal", "ben", "ann")))
_SECOND_ANN = Approach("second", answers=10, namesake="ann")
_NAMESAKES = (*join("ann", "ben"), _SECOND_ANN, *(Say(who, b"and on") for who in ("ben", "ann")), Close("second"))
_IN_A_ROW: Steps = (
    Connect("ann"),
    Say("ann", b"ann is here"),
    *(Send("ann", b"one of many", with_next=True) for _ in range(20)),
    Settle(),
)
_IN_PIECES: Steps = (*join("ann", "ben"), Say("ann", b"one by one", in_pieces=True))
_DEPARTURES: Steps = (*join("ann", "ben"), HalfClose("ben"), Say("ann", b"and on"), HalfClose("ann"), *join("cal"))
_UNUSUAL: Steps = (
    Connect("ann"),
    Say("ann", b"ann is here"),
    *(Say("ann", bytes(range(begin, begin + 64))) for begin in range(0, 256, 64)),
)
_LONG_UTTERANCE = (Connect("ann"), Say("ann", b"ann is here"), Say("ann", b"long" * 200), Say("ann", b"and on"))


def _if(
    present: Callable[[Steps, Dialect], bool], *without: Rewriting, probe: Steps = (), unless: Steps = ()
) -> Trigger:
    return Trigger(present, without, probe, unless)


TRIGGERS: Mapping[str, tuple[Trigger, ...]] = {
    "ECHO-1": (_if(anything),),
    "ECHO-2": (
        _if(changed_request, capitals),
        _if(long_utterance, short, probe=_LONG_REQUEST),
        _if(anything, probe=_PLAIN_REQUEST),
    ),
    "ECHO-3": (_if(half_closes, closing), _if(several_requests), _if(anything, probe=_PLAIN_REQUEST)),
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
    "CHAT-2": (
        _if(shared_name, own_names),
        _if(audience, alone, probe=_DIALOGUE),
        _if(audience, alone, unless=_NAMESAKES),
        _if(anything, probe=_MONOLOGUE),
    ),
    "CHAT-3": (_if(unusual_bytes, letters), _if(long_utterance, short, probe=_LONG_UTTERANCE, unless=_UNUSUAL)),
    "CHAT-4": (_if(anything),),
    "CHAT-5": (_if(several_under_way, settled),),
    "CHAT-6": (
        _if(more_than_a_piece, chunk_by_chunk),
        _if(long_frame, short, probe=_LONG_UTTERANCE),
        _if(frames_in_a_row, one_each, probe=_IN_A_ROW),
        _if(in_pieces, in_one_piece, probe=_IN_PIECES),
    ),
    "CHAT-7": (_if(quits, half_closing, staying),),
    "CHAT-8": (_if(like_quit, unlike_quit),),
    "CHAT-9": (_if(silent_member, speaking),),
    "CHAT-10": (_if(end_of_stream, quitting, letting_go, staying), _if(reset, probe=_DEPARTURES)),
    "CHAT-11": (_if(quits, staying), _if(end_of_stream, staying), _if(reset, probe=_DEPARTURES), _if(slow_reader)),
    "CHAT-12": (_if(reset, half_closing),),
    "CHAT-13": (_if(at_once, one_listener, one_at_a_time), _if(hurried)),
    "CHAT-14": (_if(at_once, one_at_a_time), _if(slow_reader, always_reading)),
    "CHAT-15": (_if(slow_reader, giving_way, always_reading),),
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
    triggers = TRIGGERS.get(clause, ())
    held = [trigger for trigger in triggers if trigger.present(before, dialect)]
    by_steps = bool(held) or not triggers  # what has none is decided by what is done to the server meanwhile
    return enough and by_steps and all(trigger.present(after, dialect) for trigger in held)
