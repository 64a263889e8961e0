"""Judges the replies of an echo server over datagrams."""

from dataclasses import dataclass, field

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.scenario.steps import Close, Connect, Say, Send, Step
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending, UnexpectedSourceDatagram
from socketserver_reference.conformance.scenario.violation import Finding


@dataclass
class DatagramClient:
    """One socket that sends requests and receives replies."""

    requests: list[bytes] = field(default_factory=list)
    gone: bool = False


class DatagramOracle:
    """See the module. Replies to one client come in the order of its requests, since the stage waits for each."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.clients: dict[str, DatagramClient] = {}
        self.disrupted = False

    def begin(self, step: Step, *, idle_before: bool) -> None:  # noqa: ARG002  # clients do not affect each other
        match step:
            case Connect(who):
                self.clients[who] = DatagramClient()
            case Say(who, data) | Send(who, data):
                self.clients[who].requests.append(data)
            case Close(who):
                self.clients[who].gone = self.disrupted = True
            case _:
                raise ValueError(f"datagrams know no {type(step).__name__}")

    def final_steps(self) -> list[Step]:
        here = [who for who, client in self.clients.items() if not client.gone]
        return [Say(who, b"still there? %d" % count) for who in here for count in range(2)]

    def required_readers(self, step: Step) -> list[str]:
        return [step.who] if isinstance(step, Say) else []

    def due(self, who: str) -> bool:
        return bool(self.clients[who].requests)

    def optional_readers(self) -> list[str]:
        return [who for who, client in self.clients.items() if not client.gone]

    def settled(self, step: Step) -> None:  # noqa: ARG002  # whatever it was, it was answered
        self.disrupted = False

    def _reply(self, who: str) -> bytes | None:
        requests = self.clients[who].requests
        return self.dialect.reply(requests[0][: self.dialect.datagram]) if requests else None

    def feed(self, who: str, data: bytes) -> bool:
        if isinstance(data, UnexpectedSourceDatagram) or data != self._reply(who):
            return False
        self.clients[who].requests.pop(0)
        return True

    def expected_bytes(self, who: str) -> bytes:  # noqa: ARG002  # a datagram is whole: nothing behind it can mend it
        return b""

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
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
        return ["UDP-4"] if len(request) > min(MAX_PLAIN_DATAGRAM_BYTES, self.dialect.datagram // 2) else []

    def explain_silence(self, who: str) -> Finding:
        disrupted = ["UDP-5"] if self.disrupted else []
        clauses = (*self._special(who), *disrupted, "UDP-1")
        expected = f"{who} reads {show(self._reply(who) or b'')}"
        return Finding(
            clauses, expected, f"{who} reads nothing", absent=True, also=("UDP-5",)
        )  # others have gone before

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        return Finding(("UDP-5", "UDP-1"), f"{who} reads a datagram", f"{who} reads {ENDINGS[how]}")

    def explain_refusal(self, who: str, why: str) -> Finding:
        return Finding(("UDP-5", "UDP-1"), f"{who} finds the server", f"{who} does not: {why}")


MAX_PLAIN_DATAGRAM_BYTES = 1024
"""Bytes up to which a datagram is like any other; programs that cut datagrams cut them above."""
