"""Connects the clients of a scenario, within the limits of the dialect, and takes them through its handshake."""

import time
from collections.abc import Callable, Sequence

from socketserver_reference.address import Address
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.driver.handshake import (
    NotGreeted,
    Turn,
    part,
    shake_hands,
    whole,
    without_last_answer,
)
from socketserver_reference.conformance.driver.rate_limit import RateLimiter
from socketserver_reference.conformance.driver.reading import ClientReader, Pace
from socketserver_reference.conformance.oracles.base import Oracle
from socketserver_reference.conformance.scenario.steps import Approach
from socketserver_reference.conformance.targets.client import Client, Unreachable

FULL_QUEUE_TIMEOUT = 3.5
"""Least seconds for a connection: where a server's queue is full, the system tries again after 1 and after 3 s."""


class ClientConnector(ClientReader):
    """The clients of one scenario, how they connect, and what they read.

    `wait_idle` waits until the server has finished the last step. `mark` ends the names that clients give in a
    handshake: the server may keep names of an earlier scenario taken. `reach` connects a client, the first with
    a long timeout: see `targets/first_contact.py`.
    """

    def __init__(
        self,
        address: Address,
        oracle: Oracle,
        dialect: Dialect,
        timeout: float,
        about: str | None,
        pace: Pace,
        *,
        wait_idle: Callable[[], object],
        rate_limiter: RateLimiter,
        mark: str,
        reach: Callable[[Callable[[], Client]], Client],
    ) -> None:
        super().__init__(oracle, dialect, timeout, about, pace)
        self.address = address
        self._wait_idle = wait_idle
        self._rate_limiter = rate_limiter
        self._mark = self.transcript.mark = mark
        self._reach = reach
        self._answers: dict[str, bytes] = {}  # those of a handshake that wait for what their clients say first
        self._seats_taken = 0  # at most: clients that have left count until the server was seen idle

    def _wait_to_connect(self) -> None:
        """Return when another client may connect: within the member limit, as far as can be observed, and the gaps."""
        if 0 < self._dialect.limits.members <= self._seats_taken:
            self._wait_idle()
            self._seats_taken = len(self._clients)
        self._seats_taken += 1
        self._rate_limiter.wait_to_connect()

    def _note_connected(self) -> None:
        if self._dialect.limits.join_pace:
            self._wait_idle()
        self._rate_limiter.connected()

    def _connect(self, who: str, window: int | None = None, acks: str = "quick") -> None:
        self._wait_to_connect()
        try:
            client = self._reach(lambda: Client(self.address, max(self.timeout, FULL_QUEUE_TIMEOUT), window, acks))
            client.set_timeout(self.timeout)
            self._clients[who] = client
        except Unreachable as error:
            self._report(self.oracle.explain_refusal(who, str(error)))

    def _name(self, who: str) -> bytes:
        """Return the name that a client gives in a handshake."""
        return f"{who}{self._mark}".encode()

    def _join(self, who: str, *, with_words: bool = False) -> None:
        """Go through the whole handshake, or as far as the last answer if that is to come with words."""
        turns = whole(self._dialect, self._name(who))
        if with_words:
            turns, self._answers[who], unmet = without_last_answer(turns)
            self._unmet[who] = unmet, b""
        self._shake_hands(who, turns)
        if self._dialect.ends_with_an_answer or self._dialect.limits.join_delay:
            self._wait_idle()  # a delay begins when the server has let the client in
        self._rate_limiter.joined(who)

    def _approach(self, step: Approach) -> None:
        """Connect a client, and go through a part of the handshake; a name that is taken may be refused."""
        self._connect(step.who)
        turns = part(self._dialect, self._name(step.namesake or step.who), step)
        self._shake_hands(step.who, turns, refusable=bool(step.namesake))
        self._note_connected()

    def _shake_hands(self, who: str, turns: Sequence[Turn], *, refusable: bool = False) -> None:
        """Go through a handshake; the oracle judges the bytes after it, if they are a member's."""
        begun = time.monotonic()
        try:
            rest = shake_hands(self._clients[who], who, turns, self.transcript, self.timeout, refusable=refusable)
        except NotGreeted as error:
            self._report(self.oracle.explain_refusal(who, str(error)), "" if who in self._stalled else who)
        self._pace.note(begun)
        if rest and who not in self._stalled:
            self._judge(who, rest)
