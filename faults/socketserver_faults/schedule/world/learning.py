"""To learn the dialect of a program before its schedules are searched: `--learn`.

What was learned is tried: by the program anew, in a conversation as short as can be, which it must pass. What a chat or
an echo says to the wrong client, or in another form, shows there; other bugs are for the search.

Next: `exploration/search.py`.
"""

import math
from dataclasses import replace

from socketserver_faults.schedule.world.clients import NoDialect
from socketserver_faults.schedule.world.endless import NoEnd
from socketserver_faults.schedule.world.fitting import LEARNED, NAMED, first_meeting, talk
from socketserver_faults.schedule.world.subject import SubjectRefused
from socketserver_faults.schedule.world.world import MAX_LEARNING_STEPS, World
from socketserver_reference.conformance.dialects.loader import BadDialect
from socketserver_reference.conformance.dialects.loader import read as read_dialect

MISUNDERSTOOD = ("other form", "extra", "mixed", "misattributed")
"""What happens in a polite conversation of two members if a dialect lacks something: a notice about comers, say."""

WRITE_IT = (
    "; if it is a chat or an echo, write down how its clients speak (socketserver-reference dialects --keys), and use "
    "--dialect FILE in place of --learn; no other program can be judged"
)
"""What to do if the dialect of a program cannot be learned."""


def learn_dialect(world: World, protocol: str, until: float = math.inf) -> str:
    """Let the clients speak the dialect of a user's own program; return its text.

    The first of chat and echo that can be learned, if no protocol is given. Raise SubjectRefused if none can, or none
    until a moment of time.monotonic().
    """
    if not world.subject.loop:
        raise SubjectRefused(f"--learn is for a program of your own: the dialect of {world.subject.name} is known")
    refusals: dict[str, SubjectRefused] = {}
    for other in [protocol] if protocol else ["chat", "echo"]:
        try:
            return _learned(world, other, until, named=bool(protocol))
        except NoEnd:
            refusals[other] = NoDialect(f"not within {MAX_LEARNING_STEPS:,} steps of its threads")
        except SubjectRefused as refusal:
            refusals[other] = refusal
    whys = set(map(str, refusals.values()))
    why = ", " + "; ".join(f"as {NAMED[other]}: {refusal}" for other, refusal in refusals.items())
    if len(whys) < len(refusals):
        why = f": {whys.pop()}"
    advice = WRITE_IT if any(isinstance(refusal, NoDialect) for refusal in refusals.values()) else ""
    raise SubjectRefused(f"the dialect of {world.subject.name} cannot be learned{why}{advice}")


def _learned(world: World, protocol: str, until: float, *, named: bool) -> str:
    text, doubts = world.learn(protocol, until)
    try:
        world.dialect = read_dialect(text, LEARNED, "the dialect that was learned")
    except BadDialect as error:
        raise NoDialect(str(error)) from None
    world.subject = replace(world.subject, protocol=protocol)
    failures = [first_meeting(world, protocol)]
    talked = world.play(talk(protocol, world.dialect)).failure if protocol == "chat" else None
    if talked is not None and talked.shape in MISUNDERSTOOD:  # a second member shows what the first did not
        failures.append(talked)
    if protocol == "echo" and not named:  # it may be a chat that cannot be learned
        failures.append(world.play(talk(protocol, world.dialect)).failure)
        if world.reads_ends():  # a bug, which the search will tell: then only what is read is asked
            heard = world.play(talk(protocol, world.dialect, ends=False)).failure
            failures[-1] = None if heard is not None and heard.absent else heard
    for failure in failures:
        if failure is not None and failure.shape is not None:  # what is read is wrong
            why = "; ".join(doubts) or f"expected {failure.expected}, but {failure.observed}, by what was learned"
            raise NoDialect(why)
    return text
