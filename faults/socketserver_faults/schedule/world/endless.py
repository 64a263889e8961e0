"""The clause of a program that goes on without an end, and failures that are none.

Next: `world.py`.
"""

from collections import Counter

from socketserver_faults.schedule.core.namespace import NotModelled
from socketserver_faults.schedule.virtual.kernel import MANY_ENDS
from socketserver_faults.schedule.world.subject import Subject, SubjectRefused
from socketserver_reference.conformance.scenario.violation import VIOLATIONS, Violation

CLAUSE_OF_ENDS = {"chat": "CHAT-10", "echo": "ECHO-3"}
"""Protocol -> the clause of a server that reads the end of a stream for ever."""


class NoEnd(SubjectRefused):
    """A run has no end, and it is not known why."""


def goes_on(subject: Subject, ends_read: Counter[str], endless: str, *, left: bool) -> Violation:
    """Return the clause that is broken if a run has no end, `endless`; raise NoEnd if that is not known.

    `left` is whether all clients have left.
    """
    ends = reads_ends(subject, ends_read)
    if ends is not None:
        return ends
    if left and subject.make:
        return VIOLATIONS["SRV-9"]("shutdown() and server_close() return, as all clients have left", endless, ())
    raise NoEnd(f"{subject.name} makes no progress that the scheduler could judge: {endless}")


def reads_ends(subject: Subject, ends_read: Counter[str]) -> Violation | None:
    """Return the clause that is broken if the server reads the end of a stream for ever; None if it does not."""
    for client, times in ends_read.most_common(1):
        if times > MANY_ENDS:
            due = f"the server takes the end of {client}'s stream for leaving"
            return VIOLATIONS[CLAUSE_OF_ENDS[subject.protocol]](due, f"its end is read {times} times", ())
    return None


def refuse(failure: Violation, forgotten: set[str]) -> None:
    """Raise NotModelled if a failure may come from what is not modelled.

    `forgotten` are the clients whose connections the program has neither closed nor kept.
    """
    if NotModelled.refusals:  # the program has caught it, and gone another way
        raise NotModelled(NotModelled.refusals[0])
    for client in sorted(forgotten):
        if failure.observed.startswith(f"{client} reads ") and failure.observed.endswith("nothing"):
            raise NotModelled(
                f"the program forgets the connection to {client} without closing it: CPython then closes it, which the "
                "scheduler does not model; close it, as by `with connection:`"
            )
