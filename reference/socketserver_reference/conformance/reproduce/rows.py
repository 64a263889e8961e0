"""The table of a script: the exchange of a violation, row by row.

A row is a client, or several; what it does; and the bytes of it, or what they must match. What clients do and what they
read rightly is taken from the transcript. The last row is what the server did wrong: what was due instead.

What clients say at once is a race: who reads which of it first is not determined. So it becomes one row for all who
read it (`reads all`), which demands that each delivery is the next piece of what a client said, in one order.
"""

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.reproduce.chat_table import ChatTable
from socketserver_reference.conformance.reproduce.echo_table import EchoTable
from socketserver_reference.conformance.reproduce.table import Row
from socketserver_reference.conformance.scenario.transcript import Ended, Heard
from socketserver_reference.conformance.scenario.violation import Violation


def rows_of(violation: Violation, protocol: str, dialect: Dialect) -> tuple[list[Row], list[bytes]]:
    """Return the rows of a violation, and what clients say at once in them."""
    assert violation.transcript is not None
    transcript = violation.transcript
    table = (ChatTable if protocol == "chat" else EchoTable)(dialect, datagrams=protocol == "datagram")
    for earlier in transcript.before:
        table.tell(earlier.entries)
        table.dismiss()
    seen = transcript.entries[: violation.at]
    wrong = Heard | Ended if protocol == "datagram" else Ended
    if seen and isinstance(seen[-1], wrong) and seen[-1].who == violation.failing:  # what was not due
        seen = seen[:-1]
    table.tell(seen)
    table.finish(violation)
    return table.rows, table.bursts
