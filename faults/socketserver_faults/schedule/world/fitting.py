"""Whether a program speaks the dialect at all: asked before its schedules are searched.

A program that speaks otherwise breaks no clause. So it is met once without any deviation. If that fails, the suite's
own test of a dialect (`driver/dialect_fit.py`) decides, on virtual sockets; a program whose protocol was not named is
then taken for an echo if it is one.

Next: `learning.py`.
"""

from collections.abc import Iterator

from socketserver_faults.schedule.world.scenarios import NamedScenario
from socketserver_faults.schedule.world.subject import SubjectRefused
from socketserver_faults.schedule.world.world import World
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.loader import bundled
from socketserver_reference.conformance.scenario.steps import Connect, HalfClose, Say, join
from socketserver_reference.conformance.scenario.violation import Violation

FIRST_MEETING = {
    "chat": NamedScenario("meet", "", "CHAT-2", (*join("ann"), Say("ann", b"hello")), politeness="polite"),
    "echo": NamedScenario("meet", "", "ECHO-2", (Connect("ann"), Say("ann", b"hello")), "echo", "polite"),
}

CHAT_TALK = (*join("ann", "ben"), Say("ann", b"hello"), Say("ben", b"hello, too"))


def talk(protocol: str, dialect: Dialect, *, ends: bool = True) -> NamedScenario:
    """Return what shows a dialect as a whole, also who hears what: in a chat all, and in an echo nobody else.

    Without `ends`, no client of an echo ends its stream; where clients are served one by one, the next waits in vain.
    """
    if protocol == "chat":
        return NamedScenario("talk", "", "CHAT-2", CHAT_TALK, politeness="polite")
    again = (Say("ann", b"once more"),) if dialect.persistent else ()
    end = (HalfClose("ann"),) if ends else ()
    steps = (Connect("ann"), Connect("ben"), Say("ann", b"hello"), *again, *end, Say("ben", b"hello, too"))
    return NamedScenario("talk", "", "ECHO-2", steps, "echo", "polite")


LEARNED = "learned"
"""The name of a dialect that --learn has learned."""

NAMED = {"chat": "a chat", "echo": "an echo"}


class SpeaksOtherwise(SubjectRefused):
    """The program speaks another dialect; the message shows it, and says how to state the right one."""


def protocol_spoken(world: World, protocol: str, *, given: bool) -> str:
    """Return the protocol that a program speaks in the world's dialect; raise SpeaksOtherwise if it speaks neither.

    `given` says that the user named the protocol.
    """
    failure = first_meeting(world, protocol, world.dialect)
    if failure is None:
        return protocol
    if not given and world.dialect == NOTE and _is_mute(failure):
        error = world.scheduler.story.last_error()
        raise SpeaksOtherwise(
            f"{world.subject.name} hangs up on who speaks, without a word{error and f', by {error}'}: it does not show "
            "whether it is a chat or an echo; if it is one, name a scenario for it; no other program can be judged"
        )
    misfit = world.misfit(protocol)
    ended = f"{world.main_ended}; " if " by " in world.main_ended else ""
    if not ended and (error := world.scheduler.story.last_error()):
        ended = f"its last error is {error}; "
    if misfit is None:  # it speaks the dialect, and has a bug: the search will tell
        return protocol
    tried = [f"as {NAMED[protocol]}: said {misfit.said}, expected {misfit.expected}, read {misfit.read}"]
    if not given and world.dialect == NOTE:
        failure = first_meeting(world, "echo", NOTE)
        if failure is None:
            return "echo"
        tried.append(f"as an echo: expected {failure.expected}, but {failure.observed}")
    if not given and world.misfit("echo") is not None:  # it repeats what is said, in another form than NOTE's
        protocol = "echo"
    raise SpeaksOtherwise(
        f"{world.subject.name} speaks another dialect than {misfit.dialect}, {'; '.join(tried)}; "
        f"{ended}{_advice(world, protocol)}"
    )


def _is_mute(failure: Violation) -> bool:
    """Whether a program has hung up, and said nothing before."""
    return failure.shape == "early end" and not any(" reads b" in line for line in failure.exchange)


def first_meeting(world: World, protocol: str, dialect: Dialect | None = None) -> Violation | None:
    """Return what shows when a client says something, in the world's dialect or another, if that breaks a clause."""
    return world.play(FIRST_MEETING[protocol], dialect=dialect).failure


def _fitting(world: World) -> Iterator[str]:
    for name, dialect in bundled().items():
        protocols = (protocol for protocol in dialect.protocols if protocol in FIRST_MEETING)
        if any(world.play(talk(protocol, dialect), dialect=dialect).failure is None for protocol in protocols):
            yield name


def _advice(world: World, protocol: str) -> str:
    """Return what else to try."""
    learn = "add --learn"
    if world.dialect.name == LEARNED:
        learn = "what was learned does not hold for a program that has just been started"
    elif world.dialect != NOTE:
        learn = "use --learn in place of --dialect"
    known = ", ".join(_fitting(world))
    if known:
        return f"{learn}{', or try' if world.dialect == NOTE else '; or try'} --dialect {known}"
    return (
        f"{learn}; or run it, learn its dialect (socketserver-reference learn {protocol} tcp://HOST:PORT > "
        "mine.toml), and use --dialect mine.toml"
    )
