"""The machines that explore an echo, over connections and over datagrams."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from socketserver_reference.conformance.exploration.machine import (
    MAX_MEMBERS,
    NAMES,
    NUMBERS,
    UTTERANCES,
    Machine,
    pick,
)
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Close,
    Connect,
    HalfClose,
    Reset,
    Say,
    Send,
    Settle,
)

REQUESTS = UTTERANCES | st.sampled_from([b"  shout \r\n", b" \t\n", b"\xe9 upper?", b"a" * 1025, b" b" * 4000])


class EchoMachine(Machine):
    """Clients that send a request one after the other, as a synchronous server serves them."""

    def __init__(self) -> None:
        super().__init__()
        self.visits = 0

    def visitor(self) -> str:
        self.visits += 1
        return f"{pick(list(NAMES), self.visits)}{self.visits}"

    @rule(request=REQUESTS)
    def ask(self, request: bytes) -> None:
        who = self.visitor()
        self.do(Connect(who), Say(who, request))

    def finish(self) -> None:
        self.ask(b"the last one")


class AbruptEchoMachine(EchoMachine):
    """The same clients, which also half-close, close or reset at any moment."""

    @rule(request=REQUESTS)
    def ask_and_half_close(self, request: bytes) -> None:
        who = self.visitor()
        self.do(Connect(who), Send(who, request[:1024]), HalfClose(who))

    @rule(request=st.none() | REQUESTS, way=st.sampled_from([Close, Abandon, Reset]))
    def leave(self, request: bytes | None, way: type[Close] | type[Abandon] | type[Reset]) -> None:
        who = self.visitor()
        self.do(Connect(who), *([Send(who, request)] if request else []), way(who))


class DatagramMachine(Machine):
    """A few sockets that send requests of any size and wait for each reply."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.gone = 0

    @rule()
    def come(self) -> None:
        if len(self.names) < MAX_MEMBERS:
            self.names.append(f"{NAMES[len(self.names)]}{self.gone or ''}")
            self.do(Connect(self.names[-1]))

    @rule(number=NUMBERS, request=REQUESTS | st.sampled_from([b"", b"d" * 8192, b"e" * 9000]))
    def ask(self, number: int, request: bytes) -> None:
        if self.names:
            self.do(Say(pick(self.names, number), request))

    def finish(self) -> None:
        self.come()
        self.do(Say(self.names[0], b"the last one"))


class AbruptDatagramMachine(DatagramMachine):
    """The same sockets, which also ask all at once, or are closed before the reply arrives."""

    @rule()
    def ask_at_once(self) -> None:
        self.do(*(Send(who, b"me, " + who.encode()) for who in self.names), Settle())

    @rule(number=NUMBERS, request=st.binary(max_size=40))
    def ask_and_go(self, number: int, request: bytes) -> None:
        if self.names:
            who = pick(self.names, number)
            self.names.remove(who)
            self.gone += 1
            self.do(Send(who, request), Close(who))
