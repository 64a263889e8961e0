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
from socketserver_reference.conformance.driver import conditions, rewritings
from socketserver_reference.conformance.driver.conditions import Steps
from socketserver_reference.conformance.driver.rewritings import Rewriting
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


_UNFINISHED = (
    _if(conditions.bad_length, rewritings.good_lengths),
    _if(conditions.unfinished, rewritings.finishing),
)
"""Of clauses that a server breaks by what it delivers of an utterance without an end."""

TRIGGERS: Mapping[str, tuple[Trigger, ...]] = {
    "ECHO-1": (_if(conditions.anything),),
    "ECHO-2": (
        _if(conditions.special_request, rewritings.capitals),
        _if(conditions.long_utterance, rewritings.short, probe=_LONG_REQUEST),
        _if(conditions.anything, probe=_PLAIN_REQUEST),
    ),
    "ECHO-3": (
        _if(conditions.half_closes, rewritings.closing),
        _if(conditions.several_requests),
        _if(conditions.anything, probe=_PLAIN_REQUEST),
    ),
    "ECHO-4": (_if(conditions.more_than_a_chunk, rewritings.short),),
    "ECHO-5": (_if(conditions.blank, rewritings.capitals),),
    "ECHO-6": (_if(conditions.half_closed_request, rewritings.waiting_for_the_reply),),
    "ECHO-7": (_if(conditions.abandoned, rewritings.half_closing),),
    "ECHO-8": (_if(conditions.silent_member, rewritings.talkative, rewritings.in_turn),),
    "ECHO-9": (_if(conditions.departures),),
    **dict.fromkeys(("ECHO-10", "ECHO-11", "ECHO-12"), ()),  # see those of chats
    "UDP-1": (_if(conditions.anything),),
    "UDP-2": (_if(conditions.anything),),
    "UDP-3": (_if(conditions.empty_datagram, rewritings.nothing_empty),),
    "UDP-4": (_if(conditions.long_datagram, rewritings.short),),
    "UDP-5": (_if(conditions.abandoned, rewritings.staying), _if(conditions.slow_reader, rewritings.always_reading)),
    "CHAT-1": (_if(conditions.anything),),
    "CHAT-2": (
        _if(conditions.shared_name, rewritings.own_names),
        _if(conditions.audience, rewritings.alone, probe=_DIALOGUE),
        _if(conditions.audience, rewritings.alone, unless=_NAMESAKES),
        _if(conditions.anything, probe=_MONOLOGUE),
    ),
    "CHAT-3": (
        _if(conditions.unusual_bytes, rewritings.letters),
        _if(conditions.long_utterance, rewritings.short, probe=_LONG_UTTERANCE, unless=_UNUSUAL),
    ),
    "CHAT-4": (*_UNFINISHED, _if(conditions.anything)),
    "CHAT-5": (_if(conditions.several_under_way, rewritings.settled),),
    "CHAT-6": (
        _if(conditions.more_than_a_piece, rewritings.chunk_by_chunk),
        _if(conditions.long_frame, rewritings.short, probe=_LONG_UTTERANCE),
        _if(conditions.frames_in_a_row, rewritings.one_each, probe=_IN_A_ROW),
        _if(conditions.in_pieces, rewritings.in_one_piece, probe=_IN_PIECES),
        _if(conditions.answers_with_words, rewritings.answering_first),
    ),
    "CHAT-7": (_if(conditions.quits, rewritings.half_closing, rewritings.staying),),
    "CHAT-8": (_if(conditions.like_quit, rewritings.unlike_quit),),
    "CHAT-9": (_if(conditions.silent_member, rewritings.speaking),),
    "CHAT-10": (
        _if(conditions.end_of_stream, rewritings.quitting, rewritings.letting_go, rewritings.staying),
        _if(conditions.reset, probe=_DEPARTURES),
    ),
    "CHAT-11": (
        _if(conditions.quits, rewritings.staying),
        _if(conditions.end_of_stream, rewritings.staying),
        _if(conditions.reset, probe=_DEPARTURES),
        _if(conditions.slow_reader),
    ),
    "CHAT-12": (_if(conditions.reset, rewritings.half_closing),),
    "CHAT-13": (_if(conditions.at_once, rewritings.one_listener, rewritings.one_at_a_time), _if(conditions.hurried)),
    "CHAT-14": (
        _if(conditions.at_once, rewritings.one_at_a_time),
        _if(conditions.slow_reader, rewritings.always_reading),
        *_UNFINISHED,
    ),
    "CHAT-15": (_if(conditions.slow_reader, rewritings.giving_way, rewritings.always_reading),),
    "CHAT-16": (),  # a delay of 40 ms explains nothing that does not come at all
    "CHAT-17": (_if(conditions.crowd),),
    "CHAT-18": (_if(conditions.departures),),
    "CHAT-19": (),  # no other scenario limits descriptors
    "CHAT-20": (),  # no other scenario starts a server again at its port
    "CHAT-21": (),  # no other scenario is silent for long
    "CHAT-22": (),  # no other scenario looks at the processor time of a server at rest
}
"""Clause -> its triggers, for each clause that is decided over the network."""


BEFORE_IT_SHOWS: Mapping[str, tuple[Rewriting, ...]] = {"CHAT-11": (rewritings.parting,)}
"""Clause -> rewritings that leave its trigger in, and end the scenario before the server can fail over it."""

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
