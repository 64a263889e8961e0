"""Clients that talk to a server, and what they hear, as data.

Bytes that never come cannot be awaited: after a silence, nothing more comes. How long it lasts, `waiting.py` says.
On a busy machine a server is late, and so is this process. So no silence is counted while the server works, and of a
pause no more than was asked for: a client that gets the processor late has listened no longer for that.

Every attempt begins with `fresh`: on a fresh server, if it can be restarted. If not, no client uses a name again. All
clients leave in an orderly way, with all that they received read: `close` with unread input is a reset.

No output of a server is trusted, neither to end nor to be short. When the budget is spent, every question ends.
"""

import selectors
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Self

from socketserver_reference.conformance.dialects.limits import UNLIMITED, Limits
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.driver.rate_limit import RateLimiter
from socketserver_reference.conformance.learn.journal import ConversationJournal
from socketserver_reference.conformance.learn.waiting import IDLE_SILENCE, LATE_ANSWERS, WaitingTimes
from socketserver_reference.conformance.scenario.text import show
from socketserver_reference.conformance.scenario.transcript import Ending
from socketserver_reference.conformance.targets.base import Site
from socketserver_reference.conformance.targets.client import Client, Unreachable
from socketserver_reference.conformance.targets.first_contact import FirstContact
from socketserver_reference.conformance.targets.notice import Notice

MAX_HEARD_BYTES = 1 << 20
"""Bytes that one client reads between two questions; a server that sends more is taken to send without end."""

LEAVING_TIMEOUT = 0.25
"""Most seconds for a server to end its side of the connections of clients that leave together."""

PARTING_TIMEOUT = 0.001
"""The same for one that is at rest, and is ended next."""

MAX_RESTART_SECONDS = 3.0
"""A server that takes longer to restart (its port is fixed and not free yet) is restarted only when it has died."""

GREETING_END_BYTES = 4
"""Bytes at the end of a greeting that the next greeting has as well, most likely; notices may follow."""

CONNECT_TIMEOUT = 5.0
"""Timeout in seconds to connect: with a full backlog TCP tries again after one second, and after three."""

ENDLESS_TIMEOUT_FACTOR = 20.0
"""Multiple of the timeout after which a server that sends all the time is taken to send without end."""

SELECTOR: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.DefaultSelector)
"""One system call for all clients, where the system has poll()."""

TEXT_WORDS = ("otter", "wolverine", "stoat-and-marten", "mink", "polecat", "weasel")
"""Words of the utterances; no server is likely to send them by itself."""

HeardBytes = Mapping[str, bytes]
"""Client -> the bytes it has received since the last question."""


class CannotLearn(Exception):
    """Nothing can be learned from this server; the message, one line, says why."""


class TooFewSeats(CannotLearn):
    """A fresh server lets in no more clients than the three that must stay."""


class SendsWithoutEnd(CannotLearn):
    """The server goes on sending, more than any client asked for."""

    def __init__(self, how_much: str = "") -> None:
        super().__init__(f"the server sends without end{how_much}")


class OutOfTime(Exception):
    """The budget has no time left for this question, nor for any other."""


class Conversation:
    """Some clients of one server."""

    def __init__(
        self, site: Site, timeout: float, budget: Budget | None = None, journal: ConversationJournal | None = None
    ) -> None:
        self.site = site
        self.timeout = timeout
        self._budget = budget or Budget()
        self.journal = journal or ConversationJournal()
        self.ended: dict[str, Ending] = {}
        """Client -> how its stream ended."""
        self.texts: list[bytes] = []
        """All texts that were said."""
        self.names: set[str] = set()
        """All names and addresses that clients have had, in any attempt."""
        self.limits = UNLIMITED
        """How fast clients come and speak."""
        self._limiter = RateLimiter(UNLIMITED)
        self.said: list[str] = []
        """The last utterances of this attempt, in words."""
        self.seen_idle = site.restartable and sys.platform == "linux"
        """Whether the server is seen at rest; otherwise silence alone says that it has nothing to say."""
        self._restarts = site.restartable
        self.waits = WaitingTimes(timeout, self.seen_idle)
        self._greeting_end = b""
        self._attempt = 1
        self._clients: dict[str, Client] = {}
        self._heard: dict[str, bytearray] = {}
        self._just_ended: list[str] = []
        self._reach = FirstContact(site)
        self._notice = Notice("learning")

    # Attempts

    def fresh(self) -> None:
        """Begin another attempt: all clients are gone, and the server is a fresh one, if it can be restarted."""
        if not self.names and not self.site.exit_report():
            return  # nobody has come yet
        self._attempt += 1
        if self.fresh_after_this:
            self._part()
            begun = time.monotonic()
            self.site.restart()
            self._reach = FirstContact(self.site)
            self._restarts = time.monotonic() - begun < MAX_RESTART_SECONDS
            self.journal.fresh("a fresh server is started")
        else:
            self.leave(*self._clients)
            self.journal.fresh("all have left")
        self.ended.clear()
        self.said.clear()
        self._limiter.begin()

    def _part(self) -> None:
        """Disconnect all from a server that is ended next, before it is: the side that ends a connection first keeps
        the port for a minute. What others hear of it is read, for `close` with unread input is a reset.
        """
        staying = [client for who, client in self._clients.items() if who not in self.ended]
        for who in self._clients:
            self.journal.did(self.name(who), "closes")
        for client in staying:
            client.half_close()
        if staying:
            self.site.wait_idle()
        for client in staying:
            client.leave(PARTING_TIMEOUT)
        for client in self._clients.values():
            client.part()
        self._clients.clear()
        self._heard.clear()

    def keep_to(self, limits: Limits) -> None:
        """Let clients come and speak no faster than this from now on."""
        self.limits = limits
        self._limiter = RateLimiter(limits)

    def arrived(self, who: str) -> None:
        """Note that a client has answered all that it was asked when it came."""
        self._limiter.joined(who)

    def name(self, who: str) -> str:
        """Return the name that a client gives: another one in each attempt, unless the server is started afresh."""
        return who if self._restarts or self._attempt == 1 else f"{who}{self._attempt}"

    def about(self, subject: str) -> Notice:
        """Say from now on that this is being learned; the caller ends the notice."""
        self._notice = Notice(f"learning: {subject}")
        self.journal.begin(subject)
        return self._notice

    @property
    def restarts(self) -> bool:
        """Whether each attempt gets a fresh server: it can be restarted, and that is quick."""
        return self._restarts

    @property
    def fresh_after_this(self) -> bool:
        """Whether the next attempt gets a fresh server, also after one that broke but has not died."""
        return self._restarts or (self.site.restartable and bool(self.site.exit_report()))

    @property
    def by_silence(self) -> str:
        """The sign that nothing more comes from this server, in words."""
        return "the server was at rest" if self.seen_idle else f"{self.timeout:g} s of silence"

    def text(self) -> bytes:
        """Return a text that no client has said yet, of another length than the one before."""
        number = len(self.texts) + 1
        self.texts.append(f"{TEXT_WORDS[number % len(TEXT_WORDS)]}-{number}".encode())
        return self.texts[-1]

    def origin(self, who: str) -> tuple[str, str]:
        """Return the host and port of a client; empty texts if it has none."""
        name = self._clients[who].socket.getsockname()
        return (str(name[0]), str(name[1])) if isinstance(name, tuple) else ("", "")

    def join(self, who: str) -> None:
        """Connect one more client; raise CannotLearn if that fails."""
        self._go_on()
        self._limiter.wait_to_connect()
        try:
            client = self._reach(lambda: Client(self.site.address, max(self.timeout, CONNECT_TIMEOUT)))
        except Unreachable as error:
            raise CannotLearn(f"no client can connect to {self.site.address} any more: {error}") from None
        self._limiter.connected()
        self._clients[who] = client
        self._heard[who] = bytearray()
        self.ended.pop(who, None)
        self.names |= {self.name(who), *self.origin(who)}
        self.journal.did(self.name(who), "connects")

    def say(self, who: str, data: bytes) -> None:
        """Send these bytes at once, or as many of them as the server takes within the timeout."""
        self._go_on()
        self._limiter.wait_to_send(who)
        self.said = [*self.said[-5:], f"{self.name(who)} said {show(data)}"]
        self.journal.did(self.name(who), "sends", data)
        client = self._clients[who]
        client.set_timeout(max(self.timeout, 1.0))
        client.send(data)

    def half_close(self, who: str) -> None:
        """Send end of stream."""
        self._clients[who].half_close()
        self.journal.did(self.name(who), "half-closes")

    def leave(self, *whom: str, rudely: bool = False) -> None:
        """Disconnect clients, one after the other: each ends its stream and reads to the end, or resets, `rudely`."""
        until = time.monotonic() + LEAVING_TIMEOUT
        for who in whom:
            client = self._clients.pop(who)
            del self._heard[who]
            self.journal.did(self.name(who), "resets its connection" if rudely else "closes")
            (client.reset if rudely else client.half_close)()
            if who not in self.ended and not rudely:
                self.site.wait_idle()
                left = until - time.monotonic()
                client.leave(max(IDLE_SILENCE, self.waits.lag if self.seen_idle else left))
            client.close()

    def hear_greeting(self, whom: Sequence[str], *, expected: bool = True) -> HeardBytes:
        """Return the bytes that each client has received once these, which have just come, are greeted.

        Whether the server greets at all, how late, and how its greetings end, is found out with the first client.
        """
        first = self.waits.greeting_lag is None
        end = self._greeting_end if self.waits.greets_late else b""

        def greeted(heard: HeardBytes) -> bool:
            return all((heard[who] and end in heard[who]) or who in self.ended for who in whom)

        heard, lag = self._hear(greeted if first or expected else None, self.waits.for_greeting, completely=first)
        self.waits.note_greeting(lag, came=greeted(heard), expected=expected and len(whom) == 1)
        if self.waits.greets_late:
            self._budget.allow_for(self.waits.longest_lag, LATE_ANSWERS)
        if first:
            self._greeting_end = heard[whom[0]][-GREETING_END_BYTES:]
        return heard

    def hear(self, until: Callable[[HeardBytes], bool] | None = None, *, briefly: bool = False) -> HeardBytes:
        """Return the bytes that each client has received since the last question, once nothing more comes.

        `until` says whether the awaited bytes have come; they get the full timeout. A caller that sends a fence next
        asks briefly.
        """
        heard, lag = self._hear(until, self.waits.for_what_may_not_come if briefly else self.waits.for_an_answer)
        self.waits.note_lag(lag)
        if self.waits.lag:
            self._budget.allow_for(self.waits.lag, LATE_ANSWERS)
        return heard

    def _hear(
        self, until: Callable[[HeardBytes], bool] | None, timeout: float, *, completely: bool = False
    ) -> tuple[HeardBytes, float]:
        """Hear all until nothing more comes, with this timeout for what `until` awaits; return also for how many
        seconds the server was at rest before the awaited bytes came, 0.0 if they did not come.

        What must be heard `completely` may come in pieces, the next as late as the one before.
        """
        begun = last = time.monotonic()
        self.waits.heartbeat.listen()
        silence = lag = 0.0  # seconds
        while True:
            self._go_on()
            self.site.wait_idle()
            met = until is None or until(self._heard_by_now())
            self._notice()
            lull = self.waits.lull(awaited=met and until is not None, after=last - begun)
            lull = max(lull, self.waits.between_pieces(lag)) if completely else lull
            pause = lull if met else max(lull, min(silence / 2, timeout - silence))
            paused = time.monotonic()
            came = self._read(pause)
            silence += min(pause, time.monotonic() - paused)
            if came:
                last = time.monotonic()
                lag = lag if met else max(lag, silence)
                silence = 0.0
                self.waits.answered = True
                if last - begun > ENDLESS_TIMEOUT_FACTOR * max(self.timeout, 1.0):
                    raise SendsWithoutEnd
            elif met or silence >= timeout:
                heard = self._heard_by_now()
                self._limiter.read()
                for who, data in heard.items():
                    self._heard[who].clear()
                    if data:
                        self.journal.read(self.name(who), data)
                for who in self._just_ended:
                    self.journal.ended(self.name(who), self.ended[who])
                self._just_ended.clear()
                return heard, lag if met else 0.0

    def _go_on(self) -> None:
        """Raise OutOfTime if the rest of the budget is for the verification."""
        if self._budget.is_late:
            raise OutOfTime

    def _heard_by_now(self) -> HeardBytes:
        return {who: self.waits.heartbeat.without(bytes(heard)) for who, heard in self._heard.items()}

    def _read(self, wait: float) -> bool:
        """Read the available bytes, or wait so many seconds for some; return whether any came."""
        with SELECTOR() as selector:
            for who, client in self._clients.items():
                if who not in self.ended:
                    selector.register(client.socket, selectors.EVENT_READ, who)
            return self._read_from([key.data for key, _ in selector.select(wait)])

    def _read_from(self, whom: Iterable[str]) -> bool:
        came = False
        for who in whom:
            client = self._clients[who]
            client.set_timeout(0)
            heard = client.receive()
            came = came or isinstance(heard, str) or (heard is not None and self.waits.heartbeat.is_news(who, heard))
            if isinstance(heard, str):
                self.ended[who] = heard
                self._just_ended.append(who)
            elif heard:
                self._heard[who] += heard
                if len(self._heard[who]) > MAX_HEARD_BYTES:
                    raise SendsWithoutEnd(f": {MAX_HEARD_BYTES} bytes to one client, and on")
        return came

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._part()
