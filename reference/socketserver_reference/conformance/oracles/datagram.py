"""Judges the replies of an echo server over datagrams."""

from dataclasses import dataclass, field, replace

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.scenario.steps import Close, Connect, Say, Send, Settle, Stall, Step
from socketserver_reference.conformance.scenario.text import MAX_OBSERVED_BYTES, show, show_against
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending, UnexpectedSourceDatagram
from socketserver_reference.conformance.scenario.violation import Finding, Shape


@dataclass
class DatagramClient:
    """One socket that sends requests and receives replies."""

    requests: list[bytes] = field(default_factory=list)
    reads: bool = True


class DatagramOracle:
    """See the module. Replies to one client come in any order: a thread for each datagram keeps none.

    While clients send without waiting, none is read, so that what several send reaches the server at once.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.clients: dict[str, DatagramClient] = {}
        self.disrupted = False
        self.sending = False
        self._unusual: list[attribution.Kind] = []
        """What was special about the requests so far: a server may die of one that it has answered."""

    def begin(self, step: Step, *, idle_before: bool) -> None:  # noqa: ARG002  # clients do not affect each other
        self.sending = step.burst
        match step:
            case Connect(who):
                self.clients[who] = DatagramClient()
            case Say(who, data) | Send(who, data):
                self.clients[who].requests.append(data)
                self._unusual += self._kinds(data)
            case Close(who) | Stall(who):
                self.clients[who].reads, self.disrupted = False, True
            case Settle():
                pass
            case _:
                raise ValueError(f"datagrams know no {type(step).__name__}")

    def final_steps(self) -> list[Step]:
        return [Say(who, b"still there? %d" % count) for who in self._reading() for count in range(2)]

    def _reading(self) -> list[str]:
        return [who for who, client in self.clients.items() if client.reads]

    def required_readers(self, step: Step) -> list[str]:
        return self._reading() if step.settles else [step.who] if isinstance(step, Say) else []

    def due(self, who: str) -> bool:
        return bool(self.clients[who].requests)

    def optional_readers(self) -> list[str]:
        return [] if self.sending else self._reading()

    def settled(self, step: Step) -> None:  # noqa: ARG002  # whatever it was, it was answered
        self.disrupted = False

    def _reply(self, who: str) -> bytes | None:
        requests = self.clients[who].requests
        return self._reply_to(requests[0]) if requests else None

    def _reply_to(self, request: bytes) -> bytes:
        return self.dialect.reply(request[: self.dialect.datagram])

    def _put_back(self, request: bytes, data: bytes) -> bytes:
        """Return what came, with {any} for what stands in its place in the reply to a request."""
        return b"".join(self.dialect.put_back(self._reply_to(request), 0, data))

    def feed(self, who: str, data: bytes) -> bool:
        requests = self.clients[who].requests
        answered = [request for request in requests if self._put_back(request, data) == self._reply_to(request)]
        if isinstance(data, UnexpectedSourceDatagram) or not answered:
            return False
        requests.remove(answered[0])
        return True

    def expected_bytes(self, who: str) -> bytes:  # noqa: ARG002  # a datagram is whole: nothing behind it can mend it
        return b""

    def explain_mismatch(self, who: str, data: bytes) -> Finding:
        reply = self._reply(who)
        came = data if reply is None else self._put_back(self.clients[who].requests[0], data)
        observed = f"{who} reads {show_against(came, reply or b'', MAX_OBSERVED_BYTES)}"
        if reply is None:
            return self._finding(who, "extra", f"{who} reads no datagram", observed)
        if isinstance(data, UnexpectedSourceDatagram):
            return self._finding(who, "misdirected", f"{who} reads {show(reply)}", f"{observed} from {data.source}")
        cut = bool(came) and reply.startswith(came)
        return self._finding(who, "cut" if cut else "altered", f"{who} reads {show_against(reply, came)}", observed)

    def explain_silence(self, who: str) -> Finding:
        expected = f"{who} reads {show(self._reply(who) or b'')}"
        finding = self._finding(who, "missing", expected, f"{who} reads nothing")
        blank = ("UDP-3",) if "blank" in self._unusual else ()  # it may have died of that
        return replace(finding, absent=True, also=("UDP-5", *blank))  # others have gone before, or do not read

    def feed_end(self, who: str, how: Ending) -> Finding | None:
        return self._finding(who, "refused", f"{who} reads a datagram", f"{who} reads {ENDINGS[how]}")

    def explain_refusal(self, who: str, why: str) -> Finding:
        return self._finding(who, "refused", f"{who} finds the server", f"{who} does not: {why}")

    def explain_death(self, expected: str) -> Finding:
        return self._finding("", "died", expected, "it ended")

    def _finding(self, who: str, shape: Shape, expected: str, observed: str) -> Finding:
        waiting = [name for name, client in self.clients.items() if client.requests and client.reads]
        roles: dict[attribution.Circumstance, bool] = {"left": self.disrupted, "concurrent": len(waiting) > 1}
        circumstances = [role for role, has in roles.items() if has]
        pending = self.clients[who].requests[:1] if who in self.clients else []
        unusual = [kind for request in pending for kind in self._kinds(request)]
        if shape in ("refused", "died"):
            unusual = self._unusual[-1:]
        clauses = attribution.clauses(attribution.DATAGRAM_ROWS, shape, [*circumstances, *unusual])
        return Finding(clauses, expected, observed, shape)

    def _kinds(self, request: bytes) -> list[attribution.Kind]:
        long = len(request) > min(MAX_PLAIN_DATAGRAM_BYTES, self.dialect.datagram // 2)
        return ["long"] if long else [] if request else ["blank"]


MAX_PLAIN_DATAGRAM_BYTES = 511
"""Bytes up to which a datagram is like any other; programs that cut datagrams keep as many bytes and more."""
