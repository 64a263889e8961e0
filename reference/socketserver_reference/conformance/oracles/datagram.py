"""Judges what the clients of an echo server over datagrams saw."""

from dataclasses import dataclass, field

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.steps import Close, Connect, Say, Send, Step
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending, UnexpectedSourceDatagram
from socketserver_reference.conformance.scenario.violation import Finding


@dataclass
class Correspondent:
    """One socket that sends requests and receives replies."""

    requests: list[bytes] = field(default_factory=list)
    gone: bool = False


class DatagramOracle:
    """See the module. Replies to one client come in the order of its requests, since the stage waits for each."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.clients: dict[str, Correspondent] = {}
        self.disturbed = False

    def begin(self, step: Step, *, idle_before: bool) -> None:  # noqa: ARG002  # nobody is in another's way
        match step:
            case Connect(who):
                self.clients[who] = Correspondent()
            case Say(who, data) | Send(who, data):
                self.clients[who].requests.append(data)
            case Close(who):
                self.clients[who].gone = self.disturbed = True
            case _:
                raise ValueError(f"datagrams know no {type(step).__name__}")

    def farewell(self) -> list[Step]:
        here = [who for who, client in self.clients.items() if not client.gone]
        return [Say(who, b"still there? %d" % count) for who in here for count in range(2)]

    def listeners(self, step: Step) -> list[str]:
        return [step.who] if isinstance(step, Say) else []

    def due(self, who: str) -> bool:
        return bool(self.clients[who].requests)

    def bystanders(self) -> list[str]:
        return [who for who, client in self.clients.items() if not client.gone]

    def settled(self, step: Step) -> None:  # noqa: ARG002  # whatever it was, it was answered
        self.disturbed = False

    def _reply(self, who: str) -> bytes | None:
        requests = self.clients[who].requests
        return self.dialect.reply(requests[0][: self.dialect.datagram]) if requests else None

    def hears(self, who: str, data: bytes) -> bool:
        if isinstance(data, UnexpectedSourceDatagram) or data != self._reply(who):
            return False
        self.clients[who].requests.pop(0)
        return True

    def lacks(self, who: str) -> bytes:  # noqa: ARG002  # a datagram is whole: nothing behind it can mend it
        return b""

    def misfit(self, who: str, data: bytes) -> Finding:
        reply = self._reply(who)
        if reply is None:
            return Finding(("UDP-1",), f"{who} reads no datagram", f"{who} reads {show(data, 200)}")
        observed = f"{who} reads {show(data, 200)}"
        if isinstance(data, UnexpectedSourceDatagram):
            return Finding(("UDP-2",), f"{who} reads {show(reply)}", f"{observed} from {data.source}")
        return Finding((*self._special(who), "UDP-1"), f"{who} reads {show(reply)}", observed)

    def _special(self, who: str) -> list[str]:
        request = self.clients[who].requests[0]
        if not request:
            return ["UDP-3"]
        return ["UDP-4"] if len(request) > min(LONG, self.dialect.datagram // 2) else []

    def silent(self, who: str) -> Finding:
        disturbed = ["UDP-5"] if self.disturbed else []
        clauses = (*self._special(who), *disturbed, "UDP-1")
        expected = f"{who} reads {show(self._reply(who) or b'')}"
        return Finding(
            clauses, expected, f"{who} reads nothing", absent=True, also=("UDP-5",)
        )  # others have gone before

    def ends(self, who: str, how: Ending) -> Finding | None:
        return Finding(("UDP-5", "UDP-1"), f"{who} reads a datagram", f"{who} reads {ENDINGS[how]}")

    def refused(self, who: str, why: str) -> Finding:
        return Finding(("UDP-5", "UDP-1"), f"{who} finds the server", f"{who} does not: {why}")


LONG = 1024
"""Bytes up to which a datagram is like any other; programs that cut datagrams cut them above."""
