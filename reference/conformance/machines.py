"""The state machines: their rules are the steps of `scenario.py`, in any order.

What a rule may do is decided by the oracle's model of the room alone, never by what the server did, so that a failing
run replays. A rule names a client by a number, counted among those that can do the thing.

Before a circumstance of another kind is added, everyone is seen whole once: so a missing delivery has one cause to be
put down to.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from reference.clauses import Profile
from reference.conformance.blame import Circumstance
from reference.conformance.log import Ambiguous
from reference.conformance.oracle import ChatOracle
from reference.conformance.room import RoomOracle
from reference.conformance.scenario import (
    Close,
    Connect,
    HalfClose,
    Heed,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    Step,
)
from reference.conformance.stage import Stage
from reference.conformance.suite import NotChecked
from reference.conformance.violation import Violation

if TYPE_CHECKING:
    from reference.conformance.exploration import Expedition

MEMBERS = 6
"""Clients connected at one time at most."""


class Machine(RuleBasedStateMachine):
    """What the machines have in common: a stage for every run, and an end when something is found."""

    expedition: "ClassVar[Expedition]"

    def __init__(self) -> None:
        super().__init__()
        self.stage: Stage | None = None
        expedition = self.expedition
        if expedition.over:
            return
        try:
            expedition.performer.prepare()
        except (NotChecked, Violation) as error:
            expedition.stop(error)
            return
        expedition.runs += 1
        self.stage = expedition.performer.stage(abrupt=expedition.profile == "hardened", patience=expedition.patience)

    def do(self, *steps: Step) -> None:
        """Perform steps, unless this run has ended."""
        for step in steps:
            if self.stage is not None:
                self._perform(self.stage, step)

    def _perform(self, stage: Stage, step: Step) -> None:
        if self.expedition.over:
            self._end()
            return
        self.expedition.steps += 1
        try:
            stage.perform(step)
        except Violation as violation:
            self._end(failed=True)
            failure = self.expedition.seen(violation, list(stage.transcript.scenario))
            if failure is not None:
                raise failure from None
        except Ambiguous:
            self._end()

    def _end(self, *, failed: bool = False) -> None:
        if self.stage is not None:
            self.stage.close(failed=failed)
            self.stage = None

    def finish(self) -> None:
        """Perform what the end of a run needs, to see everyone whole."""

    def empty(self) -> None:
        """Let everyone leave, and see that the server is in order for those who come next."""

    def teardown(self) -> None:
        try:
            self.finish()
            self.empty()
            if self.stage is not None:
                self._leave(self.stage)
        finally:
            self._end()

    def _leave(self, stage: Stage) -> None:
        """End the run, and see that the server has survived it."""
        self._end()
        try:
            self.expedition.performer.check_alive(stage)
        except Violation as violation:
            failure = self.expedition.seen(violation, list(stage.transcript.scenario))
            if failure is not None:
                raise failure from None


def pick(names: list[str], number: int) -> str:
    """Return one of the names."""
    return names[number % len(names)]


NAMES = ("ann", "ben", "cal", "dan", "eve", "fay", "gus", "hal", "ida", "jim", "kay", "lee", "may", "ned", "pam", "ray")

NUMBERS = st.integers(0, MEMBERS - 1)

UTTERANCES = st.binary(min_size=1, max_size=40) | st.sampled_from(
    [b"hello\n", b"QUIT", b"quit now", b"xquit", b"\0", b"\xff\xfe", b"ack", b"  ", b"x" * 1024, b"a" * 300]
)

STREAMS = st.binary(min_size=1, max_size=60) | st.sampled_from([b"ackack", b"b" * 1500, b"c" * 3000, b"\n"])

SPEECHES = st.sampled_from([40, 3000, 10_000])
"""Bytes that each says of several who leave at once; all of them together less than may wait for anybody."""

QUITS = st.sampled_from([b"quit", b"quit\n", b" quit\r\n"])


class PoliteChat(Machine):
    """Clients who join, lurk, speak, quit, half-close and close, one at a time."""

    abrupt = False

    def __init__(self) -> None:
        super().__init__()
        room = self.stage.oracle if self.stage is not None else ChatOracle(self.expedition.performer.dialect)
        assert isinstance(room, RoomOracle)
        self.room: RoomOracle[Any] = room
        self.arrived = 0
        self.fences = 0

    # What the model says

    def asked(self, clause: str) -> bool:
        """Whether the dialect asks the server for this: otherwise nobody does what the clause is about."""
        return clause not in self.room.dialect.not_applicable

    def present(self) -> list[str]:
        """Return all connected clients who have not begun to leave."""
        return [who for who, member in self.room.members.items() if not (member.gone or member.leaving)]

    def speakers(self) -> list[str]:
        """Return the members who read, and whose every word has come back."""
        return [who for who in self.room.readers() if self.room.complete(who)]

    def may_go(self) -> list[str]:
        """Return the clients whose leaving leaves somebody to see what is still under way."""
        watching = self.room.readers()
        if not self.room.outstanding():
            return self.present()
        return [who for who in self.present() if any(other != who for other in watching)]

    # What keeps causes apart

    def before(self, circumstance: Circumstance) -> None:
        """See everyone whole, unless nothing has happened since that, or only more of the same."""
        if any(other != circumstance for other in self.room.circumstances):
            self.calm()

    def calm(self) -> None:
        """See everyone whole: all that is due is read, and something new is heard."""
        if self.room.outstanding():
            self.do(Settle())
        if self.stage is not None:  # what was abrupt has its effect now, and not when something else is to blame
            self.stage.rest()
            self.room.nobody_has_survived()
        for who in self.speakers()[:1] * 2:  # twice: then it has survived delivering the first
            self.fences += 1
            self.do(Say(who, b"still here %d" % self.fences))

    def finish(self) -> None:
        self.calm()
        if not self.speakers():
            self.arrive(speaking=True)
            self.calm()
        for who in self.room.bystanders():
            if self.speakers():
                self.do(Heed(who, self.speakers()[0]))

    def empty(self) -> None:
        for who in self.present():
            self.do(HalfClose(who))
        self.arrive(speaking=True)
        self.calm()

    def arrive(self, *, speaking: bool) -> None:
        """Have a client connect, and perhaps say that it did."""
        lap, index = divmod(self.arrived, len(NAMES))
        who = NAMES[index] + (str(lap + 1) if lap else "")
        self.arrived += 1
        self.do(Connect(who))
        if speaking:
            self.do(Say(who, f"{who} is here".encode()))

    # The rules

    @rule()
    def join(self) -> None:
        if len(self.present()) < MEMBERS:
            self.calm_if_disturbed()
            self.arrive(speaking=True)

    @rule()
    def lurk(self) -> None:
        if len(self.present()) < MEMBERS:
            self.calm_if_disturbed()
            self.arrive(speaking=False)
            for who in self.room.bystanders():
                if self.speakers():
                    self.do(Heed(who, self.speakers()[0]))

    @rule(number=NUMBERS, data=UTTERANCES)
    def say(self, number: int, data: bytes) -> None:
        self.calm_if_disturbed()
        if not self.speakers():
            return
        if self.room.outstanding():  # what a client that has gone may have said must not be taken for this
            self.fences += 1
            data = data[:1000] + b" #%d" % self.fences
        if not self.room.dialect.exact:
            data = data.replace(b"quit", b"quilt")
        if not self.room.dialect.is_quit(data):
            self.do(Say(pick(self.speakers(), number), data))

    @rule(number=NUMBERS, word=QUITS)
    def quit(self, number: int, word: bytes) -> None:
        if not self.room.dialect.exact:
            return
        self.before("left")
        able = [who for who in self.speakers() if who in self.may_go()]
        if able:
            self.do(Quit(pick(able, number), word))

    @rule(number=NUMBERS)
    def half_close(self, number: int) -> None:
        if self.asked("CHAT-10"):
            self.leave(HalfClose, number)

    @rule(number=NUMBERS)
    def close(self, number: int) -> None:
        if not self.abrupt or self.asked("CHAT-12"):  # it may be a reset then
            self.leave(Close, number)

    def leave(self, way: type[HalfClose] | type[Close] | type[Reset], number: int) -> None:
        self.before("reset" if way is Reset or (way is Close and self.abrupt) else "left")
        if self.may_go():
            self.do(way(pick(self.may_go(), number)))

    def calm_if_disturbed(self) -> None:
        """See everyone whole after something abrupt: a stall may last."""
        if any(circumstance != "stalled" for circumstance in self.room.circumstances):
            self.calm()


class AbruptChat(PoliteChat):
    """The same clients, who also connect at any moment, speak all at once, reset, stop reading and read again."""

    abrupt = True

    @rule()
    def connect(self) -> None:
        if len(self.present()) < MEMBERS:
            if self.room.outstanding():
                self.before("concurrent")
            self.arrive(speaking=False)

    @rule(said=st.lists(st.tuples(NUMBERS, STREAMS), min_size=1, max_size=4))
    def burst(self, said: list[tuple[int, bytes]]) -> None:
        self.before("concurrent")
        for number, data in said:
            if self.room.readers():
                who = pick(self.room.readers(), number)
                unsaid = b"".join(self.room.members[who].said)
                self.do(Send(who, b"quilt" if b"quit" in unsaid + data else data))

    @rule()
    def settle(self) -> None:
        self.do(Settle())

    @rule(number=NUMBERS)
    def reset(self, number: int) -> None:
        if self.asked("CHAT-12"):
            self.leave(Reset, number)

    @rule(number=NUMBERS, many=st.integers(2, 4), size=SPEECHES, way=st.sampled_from([Close, Reset]))
    def leave_at_once(self, number: int, many: int, size: int, way: type[Close] | type[Reset]) -> None:
        """Have several speak and leave, while somebody goes on talking: what they said is still to be delivered then,
        in part or not at all, also to those who have gone.
        """
        if not self.asked("CHAT-12"):
            return
        self.before("reset")
        staying = self.speakers()[-1:]
        able = [who for who in self.present() if who not in staying]
        if not staying or len(able) < many:
            return
        first = number % len(able)
        leaving = [*able[first:], *able[:first]][:many]
        self.do(*(Send(who, b"." * size) for who in leaving), *(way(who) for who in leaving))
        self.fences += 1
        self.do(Say(staying[0], b"who is left? %d" % self.fences))

    @rule(number=NUMBERS)
    def stall(self, number: int) -> None:
        if not self.asked("CHAT-15"):
            return
        self.before("stalled")
        able = [who for who in self.speakers() if who in self.may_go()]
        if able:
            self.do(Stall(pick(able, number)))

    @rule(number=NUMBERS)
    def resume(self, number: int) -> None:
        stalled = [who for who in self.present() if self.room.members[who].stalled]
        if stalled:
            self.do(Resume(pick(stalled, number)))

    def finish(self) -> None:
        super().finish()
        for who in [who for who in self.present() if self.room.members[who].stalled]:
            self.do(Resume(who))


REQUESTS = UTTERANCES | st.sampled_from([b"  shout \r\n", b" \t\n", b"\xe9 upper?", b"a" * 1025, b" b" * 4000])


class Echo(Machine):
    """Clients who come one after the other, since a synchronous server serves them so, and ask."""

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


class AbruptEcho(Echo):
    """The same clients, who also half-close, and leave in the middle in every way."""

    @rule(request=REQUESTS)
    def ask_and_half_close(self, request: bytes) -> None:
        who = self.visitor()
        self.do(Connect(who), Send(who, request[:1024]), HalfClose(who))

    @rule(request=st.none() | REQUESTS, way=st.sampled_from([Close, Reset]))
    def leave(self, request: bytes | None, way: type[Close] | type[Reset]) -> None:
        who = self.visitor()
        self.do(Connect(who), *([Send(who, request)] if request else []), way(who))


class Datagrams(Machine):
    """A few sockets that send requests of any size and wait for each reply."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.gone = 0

    @rule()
    def come(self) -> None:
        if len(self.names) < MEMBERS:
            self.names.append(f"{NAMES[len(self.names)]}{self.gone or ''}")
            self.do(Connect(self.names[-1]))

    @rule(number=NUMBERS, request=REQUESTS | st.sampled_from([b"", b"d" * 8192, b"e" * 9000]))
    def ask(self, number: int, request: bytes) -> None:
        if self.names:
            self.do(Say(pick(self.names, number), request))

    def finish(self) -> None:
        self.come()
        self.do(Say(self.names[0], b"the last one"))


class AbruptDatagrams(Datagrams):
    """The same sockets, some of which are closed before the reply is there."""

    @rule(number=NUMBERS, request=st.binary(max_size=40))
    def ask_and_go(self, number: int, request: bytes) -> None:
        if self.names:
            who = pick(self.names, number)
            self.names.remove(who)
            self.gone += 1
            self.do(Send(who, request), Close(who))


MACHINES: dict[tuple[str, Profile], type[Machine]] = {
    ("chat", "basic"): PoliteChat,
    ("chat", "hardened"): AbruptChat,
    ("echo", "basic"): Echo,
    ("echo", "hardened"): AbruptEcho,
    ("datagram", "basic"): Datagrams,
    ("datagram", "hardened"): AbruptDatagrams,
}
"""Protocol and profile -> the machine that explores it."""
