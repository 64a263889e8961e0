"""The machines that explore a chat.

Before a disruption of another kind, a fence shows that every member is intact: so a missing delivery is attributed to
one kind of disruption.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.exploration.machine import (
    MAX_MEMBERS,
    NAMES,
    NUMBERS,
    UTTERANCES,
    Machine,
    pick,
)
from socketserver_reference.conformance.oracles.attribution import Disruption
from socketserver_reference.conformance.oracles.chat_room import ChatOracle
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import (
    Abandon,
    Close,
    Connect,
    HalfClose,
    Quit,
    Reset,
    Resume,
    Say,
    Send,
    Settle,
    Stall,
    WaitUntilHeard,
)

STREAM_UTTERANCES = st.binary(min_size=1, max_size=60) | st.sampled_from([b"ackack", b"b" * 1500, b"c" * 3000, b"\n"])

SPEECHES = st.sampled_from([40, 3000, 10_000])
"""Bytes that each says of several who leave at once; all of them together less than may wait for one client."""

QUIT_UTTERANCES = st.sampled_from([b"quit", b"quit\n", b" quit\r\n"])


class PoliteChatMachine(Machine):
    """Clients that join, lurk, speak, quit, half-close and close, one at a time."""

    abrupt = False

    def __init__(self) -> None:
        super().__init__()
        room = self.stage.oracle if self.stage is not None else StreamChatOracle(self.campaign.session.dialect)
        assert isinstance(room, ChatOracle)
        self.room: ChatOracle[Any] = room
        self.arrived = 0
        self.fences = 0

    # From the model

    def asked(self, clause: str) -> bool:
        """Whether the clause applies in the dialect; if not, no client takes the steps that it is about."""
        return clause not in effects.not_applicable(self.room.dialect)

    def present(self) -> list[str]:
        """Return all connected clients that have not begun to leave."""
        return [who for who, member in self.room.members.items() if not (member.gone or member.leaving)]

    def speakers(self) -> list[str]:
        """Return the members that read, and whose utterances have all come back."""
        return [who for who in self.room.readers() if self.room.complete(who)]

    def may_go(self) -> list[str]:
        """Return the clients that may leave, since another one still reads the deliveries under way."""
        watching = self.room.readers()
        if not self.room.outstanding():
            return self.present()
        return [who for who in self.present() if any(other != who for other in watching)]

    # Fences, which separate causes

    def before(self, disruption: Disruption) -> None:
        """Play a fence, unless the only disruptions since the last one are of this kind."""
        if any(other != disruption for other in self.room.active_disruptions):
            self.fence()

    def fence(self) -> None:
        """Read all pending deliveries, then have a member say something new that all must hear."""
        if self.room.outstanding():
            self.do(Settle())
        if self.stage is not None:  # an earlier reset takes effect now, not during a later disruption
            self.stage.wait_idle()
            self.room.reset_survived()
        for who in self.speakers()[:1] * 2:  # twice: the second shows that the server survived the first
            self.fences += 1
            self.do(Say(who, b"still here %d" % self.fences))

    def finish(self) -> None:
        self.fence()
        if not self.speakers():
            self.arrive(speaking=True)
            self.fence()
        for who in self.room.optional_readers():
            if self.speakers():
                self.do(WaitUntilHeard(who, self.speakers()[0]))

    def empty(self) -> None:
        for who in [*self.present(), *sorted(self.room.outside)]:
            self.do(HalfClose(who))
        self.arrive(speaking=True)
        self.fence()

    def newcomer(self) -> str:
        """Return a name that no client has had."""
        lap, index = divmod(self.arrived, len(NAMES))
        self.arrived += 1
        return NAMES[index] + (str(lap + 1) if lap else "")

    def arrive(self, *, speaking: bool) -> None:
        """Have a client connect, and optionally speak."""
        who = self.newcomer()
        self.do(Connect(who))
        if speaking:
            self.do(Say(who, f"{who} is here".encode()))

    # The rules

    @rule()
    def join(self) -> None:
        if len(self.present()) < MAX_MEMBERS:
            self.fence_if_disrupted()
            self.arrive(speaking=True)

    @rule()
    def lurk(self) -> None:
        if len(self.present()) < MAX_MEMBERS:
            self.fence_if_disrupted()
            self.arrive(speaking=False)
            for who in self.room.optional_readers():
                if self.speakers():
                    self.do(WaitUntilHeard(who, self.speakers()[0]))

    @rule(number=NUMBERS, data=UTTERANCES)
    def say(self, number: int, data: bytes) -> None:
        self.fence_if_disrupted()
        if not self.speakers():
            return
        if self.room.outstanding():  # a client that has gone may have said the same
            self.fences += 1
            data = data[:1000] + b" #%d" % self.fences
        if not self.room.dialect.exact:
            data = data.replace(b"quit", b"quilt")
        if not self.room.dialect.is_quit(data):
            self.do(Say(pick(self.speakers(), number), data))

    @rule(number=NUMBERS, word=QUIT_UTTERANCES)
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
        if not self.abrupt:
            self.leave(Close, number)
        elif self.asked("CHAT-12"):
            self.leave(Abandon, number)

    def leave(self, way: type[HalfClose] | type[Close] | type[Abandon] | type[Reset], number: int) -> None:
        self.before("reset" if way in (Abandon, Reset) else "left")
        if self.may_go():
            self.do(way(pick(self.may_go(), number)))

    def fence_if_disrupted(self) -> None:
        """Play a fence after any disruption but those that may last."""
        if not {"stalled", "silent"}.issuperset(self.room.active_disruptions):
            self.fence()


class AbruptChatMachine(PoliteChatMachine):
    """The same clients, which also connect at any moment, speak all at once, reset, stop reading and read again."""

    abrupt = True

    @rule()
    def connect(self) -> None:
        if len(self.present()) < MAX_MEMBERS:
            if self.room.outstanding():
                self.before("concurrent")
            self.arrive(speaking=False)

    @rule(said=st.lists(st.tuples(NUMBERS, STREAM_UTTERANCES), min_size=1, max_size=4))
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

    @rule(number=NUMBERS, many=st.integers(2, 4), size=SPEECHES, way=st.sampled_from([Abandon, Reset]))
    def leave_at_once(self, number: int, many: int, size: int, way: type[Abandon] | type[Reset]) -> None:
        """Have several speak and leave, while another goes on talking: what they said is still to be delivered then,
        in part or not at all, also to those who have gone.
        """
        if not self.asked("CHAT-12"):
            return
        self.before("reset")
        staying = self.speakers()[-1:]
        able = [who for who in self.present() if who not in staying]
        if not staying or len(able) < 2:
            return
        for _ in range(many - len(able)):
            self.arrive(speaking=False)
        able = [who for who in self.present() if who not in staying]
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
