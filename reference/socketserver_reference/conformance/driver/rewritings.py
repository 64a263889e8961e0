"""Rewritings: a scenario without one of the triggers of `triggers.py`, and otherwise the same.

Each takes the steps of a scenario and returns steps that can be played in its place. A client that leaves in the
scenario may stay in the rewritten one, and the other way round; the oracle follows the steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.oracles.attribution import MAX_PLAIN_BYTES
from socketserver_reference.conformance.scenario.step import Utterance
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Approach,
    Begin,
    Close,
    Connect,
    Dawdle,
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
)

Rewriting = Callable[[Sequence[Step], Dialect], list[Step]]

SHORT_ROUNDS = 600
"""Short utterances of each of those who speak at once to one who reads: what would have shown to others has to show to
it.
"""

SHORT_ROUNDS_AT_ONCE = 10
"""How many of them it reads at a time."""

SHORT_BYTES = MAX_PLAIN_BYTES - 20
"""Bytes of which a scenario makes no long utterance, whatever the dialect adds to them."""

HALF_CHUNK_BYTES = 500
"""Bytes of which any chunk can hold twice as many."""


def rewritten(steps: Sequence[Step], rewritings: Sequence[Rewriting], dialect: Dialect) -> Sequence[Step]:
    """Return the steps without all that the rewritings take out."""
    for rewriting in rewritings:
        steps = rewriting(steps, dialect)
    return steps


# What is said


def is_unusual(step: Utterance, dialect: Dialect) -> bool:
    """Whether it holds more than printable ASCII, or white space where a chunk may end: in a stream, anywhere in what
    is not settled.
    """
    data = step.data
    plain = data == data.strip() and data.isascii() and data.decode().isprintable()
    return not plain or (dialect.raw and step.burst and b" " in data)


def is_like_quit(data: bytes, dialect: Dialect) -> bool:
    """Whether it holds the quit word, in any case, with spaces in it or not."""
    word = dialect.quit.lstrip(b"/!.:\\").lower()
    return bool(word) and word in data.lower().replace(b" ", b"")


def _said(steps: Sequence[Step], change: Callable[[bytes], bytes]) -> list[Step]:
    """Return the steps with each utterance changed; an utterance that is empty then is left out."""
    changed = [replace(step, data=change(step.data)) if isinstance(step, Utterance) else step for step in steps]
    return [step for step in changed if not isinstance(step, Utterance) or step.data]


def letters(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without unusual bytes, and without spaces at which a long utterance may be cut: each becomes a letter, so that no
    length changes.
    """

    def plain(data: bytes) -> bytes:
        said = bytes(byte if 32 < byte < 127 else 97 + byte % 26 for byte in data)
        return b"x" * len(data) if is_like_quit(said, dialect) else said

    said = [step for step in steps if isinstance(step, Utterance)]
    unusual = {step.data for step in said if is_unusual(step, dialect) or (step.burst and b" " in step.data)}
    return _said(steps, lambda data: plain(data) if data in unusual else data)


def short(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without long utterances: the first bytes of each are said."""

    def cut(data: bytes) -> bytes:
        said = data[:SHORT_BYTES]
        return said if len(data) <= SHORT_BYTES or not dialect.is_quit(said) else b""

    return _said(steps, cut)


def capitals(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without requests that a transformation changes: capital letters alone, as many."""
    return _said(steps, lambda data: bytes(65 + byte % 26 for byte in data))


def nothing_empty(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without empty datagrams."""
    return _said(steps, lambda data: data)


def unlike_quit(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without what looks like a quit."""
    return _said(steps, lambda data: b"anything else" if is_like_quit(data, dialect) else data)


def chunk_by_chunk(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without more than a chunk under way: a client that reads says it in halves of a chunk, two at a time."""
    if not dialect.stream:
        return short(steps, dialect)
    found: list[Step] = []
    stalled: set[str] = set()
    for step in steps:
        _note_reading(step, stalled)
        if not (isinstance(step, Send) and len(step.data) > MAX_PLAIN_BYTES):
            found.append(step)
        elif step.who in stalled:
            found.append(replace(step, data=step.data[:MAX_PLAIN_BYTES]))
        else:
            found.append(Settle())
            pieces = [step.data[at : at + HALF_CHUNK_BYTES] for at in range(0, len(step.data), HALF_CHUNK_BYTES)]
            for count in range(0, len(pieces), 2):
                found += [*(Send(step.who, piece) for piece in pieces[count : count + 2]), Settle()]
    return found


def one_each(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without several frames of one client under way: all read each before its speaker goes on."""
    found: list[Step] = []
    speaking: set[str] = set()
    size = dialect.piece - rewrite.SERIAL_BYTES
    for step in steps:
        pieces = [step.said[at : at + size] for at in range(0, len(step.said), size)] if step.burst else []
        for said in pieces:
            if step.spoken_by in speaking:
                found.append(Settle())
                speaking.clear()
            found.append(Send(step.spoken_by, said))
            speaking.add(step.spoken_by)
        found += [] if pieces else [step]
        speaking = set() if step.waits else speaking
    return found


def in_one_piece(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without frames that come in several segments."""
    return [replace(step, in_pieces=False) if isinstance(step, Say) else step for step in steps]


def good_lengths(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without bad lengths: their clients begin to say something."""
    return [replace(step, bad=False) if isinstance(step, Begin) else step for step in steps]


def finishing(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without utterances that have no end: their clients say them."""
    return [Say(step.who, step.data) if isinstance(step, Begin) else step for step in steps]


def answering_first(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without words that come in one segment with an answer."""
    return [replace(step, with_words=False) if isinstance(step, Connect) else step for step in steps]


# Who comes, reads and leaves


def speaking(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without silent members: a client that is to be heard speaks instead."""
    return [
        Say(step.who, b"%s is here" % step.who.encode()) if isinstance(step, WaitUntilHeard) else step for step in steps
    ]


def own_names(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without clients that give the name of another: each gives its own."""
    return [replace(step, namesake="") if isinstance(step, Approach) else step for step in steps]


def talkative(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without clients that never say anything."""
    speakers = {step.spoken_by for step in steps}
    return [step for step in steps if not step.clients or speakers.intersection(step.clients)]


def in_turn(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without clients that say nothing more, where an echo answers each until it leaves: each comes when the one before
    has left.
    """
    if not dialect.persistent:
        return talkative(steps, dialect)
    clients = dict.fromkeys(who for step in steps if step.comes for who in step.clients)
    found: list[Step] = []
    for who in clients:
        own = [step for step in steps if who in step.clients]
        found += own if any(step.leaves for step in own) else [*own, HalfClose(who)]
    return found


def half_closing(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without quits and resets: their clients half-close."""
    return [HalfClose(step.who) if isinstance(step, Quit | Close | Abandon | Reset) else step for step in steps]


def quitting(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without the end of a stream before the server's, where there is a quit word: its client quits, once all has come
    back; one that could not say the word, within a handshake or an utterance, stays.
    """
    spoken = {step.spoken_by for step in steps}
    silent: set[str] = set()
    found: list[Step] = []
    for step in steps:
        silent.update(step.clients if step.effect in ("approaches", "falls silent") else ())
        if dialect.quit and isinstance(step, HalfClose | Close | Abandon):
            found += [Settle(), Quit(step.who, NOTE.quit)] if step.who in spoken - silent else []
        else:
            found.append(step)
    return found


def letting_go(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without half-closes, which a quit is where there is no word for it: their clients close, and nobody waits for the
    end of their streams.
    """
    half_closes = HalfClose if dialect.quit else HalfClose | Quit
    return [Close(step.who) if isinstance(step, half_closes) else step for step in steps]


def closing(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without the end of a stream before the server's: its client closes, once all has come back. An echo that answers
    one request ends the streams of those who have asked.
    """
    found: list[Step] = []
    spoken: set[str] = set()
    asked: list[str] = []  # who would half-close when the next client comes
    for step in steps:
        if step.comes and dialect.persistent:
            found += [Close(who) for who in asked]
            asked.clear()
        if isinstance(step, HalfClose) and (dialect.persistent or step.who not in spoken):
            found += [Settle(), Close(step.who)]
        else:
            found.append(step)
        asked = [who for who in asked if not (step.leaves and who in step.clients)]
        asked += [step.who] if isinstance(step, Say) and step.who not in asked else []
        spoken.add(step.spoken_by)
    return found


def staying(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without leaving: all stay, but those that reset or close without reading."""
    return [step for step in steps if not step.leaves or isinstance(step, Abandon | Reset)]


def parting(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without what is said once a client has closed or half-closed; only where nothing else is to show then."""
    ways = HalfClose | Close if dialect.quit else HalfClose | Close | Quit
    if not all(isinstance(step, ways) for step in steps if step.leaves):
        return list(steps)
    left = next((count for count, step in enumerate(steps) if step.leaves), len(steps))
    return [*steps[:left], *(step for step in steps[left:] if step.leaves or not (step.spoken_by or step.waits))]


def one_at_a_time(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without two things at once: all read what one client said before another speaks, comes or leaves."""
    found: list[Step] = []
    speaking: str = ""
    for step in steps:
        if speaking and step.spoken_by != speaking and not step.settles:
            found.append(Settle())
            speaking = ""
        found.append(step)
        speaking = step.spoken_by if step.burst else "" if step.waits else speaking
    return found


def settled(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without several chunks of one client under way, or waiting: each is short, and read by all."""
    cut = always_reading(short(steps, dialect), dialect)
    return [one for step in cut for one in ([step, Settle()] if step.burst else [step])]


def always_reading(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without slow readers."""
    return [step for step in steps if not isinstance(step, Stall | Resume)]


def giving_way(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without readers so slow that they hold up others: they read while those wait."""
    return [Dawdle(step.who) if isinstance(step, Stall) else step for step in steps]


def one_listener(steps: Sequence[Step], dialect: Dialect) -> list[Step]:
    """Without two who hear the same, where all stay: from when several speak at once, one reads and the others do not.

    Where speakers do not hear themselves, the listener is the one that the dialect adds.
    """
    begun = next((count for count, step in enumerate(steps) if step.burst), len(steps))
    if any(step.comes or step.leaves or isinstance(step, Stall) for step in steps[begun:]):
        return list(steps)
    here = [who for step in steps[:begun] if step.comes for who in step.clients]
    deaf = [Stall(who) for who in here[: -1 if dialect.hears_itself else None]]
    speakers = sorted({step.spoken_by for step in steps[begun:] if step.burst})
    briefly: list[Step] = []
    for count in range(dialect.limits.rounds(SHORT_ROUNDS, utterances=1)):
        briefly += [Send(who, b"%s%d " % (who[:1].encode(), count)) for who in speakers]
        briefly += [Settle()] if count % SHORT_ROUNDS_AT_ONCE == SHORT_ROUNDS_AT_ONCE - 1 else []
    return [*steps[:begun], *deaf, *steps[begun:], *(briefly if deaf else [])]


def waiting_for_the_reply(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without half-closes before the reply: clients wait for it, and leave with it."""
    asked = {step.who for step in steps if isinstance(step, Send)}
    kept = [step for step in steps if not (isinstance(step, HalfClose) and step.who in asked)]
    return [Say(step.who, step.data) if isinstance(step, Send) else step for step in kept]


def alone(steps: Sequence[Step], _: Dialect) -> list[Step]:
    """Without an audience: only the client that says the most is there."""
    said: dict[str, int] = {}
    for step in steps:
        if step.spoken_by:
            said[step.spoken_by] = said.get(step.spoken_by, 0) + len(step.said)
    speaker = max(said, key=lambda who: said[who], default="")
    others = {who for step in steps for who in step.clients} - {speaker}
    return [left for step in steps if (left := step.without(others))]


def _note_reading(step: Step, stalled: set[str]) -> None:
    """Note which clients do not read."""
    if isinstance(step, Stall):
        stalled.add(step.who)
    elif isinstance(step, Resume | Connect) or step.leaves:
        stalled.difference_update(step.clients)
