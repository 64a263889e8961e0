"""How long clients wait for a server: after an answer that comes late, and beside bytes that nobody awaits."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest

from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.driver.budget import Budget
from socketserver_reference.conformance.learn import conversation, heartbeat
from socketserver_reference.conformance.learn.conversation import Conversation, HeardBytes
from socketserver_reference.conformance.learn.first_contact import _fixed_size
from socketserver_reference.conformance.learn.heartbeat import MAX_BEAT_BYTES, Heartbeat
from socketserver_reference.conformance.learn.waiting import LATE_ANSWERS, MAX_LAG, MIN_AWAIT_TIMEOUT, WaitingTimes
from socketserver_reference.conformance.targets.in_process import InProcess
from tests.servers import dialect_servers as servers
from tests.support.learning import proposed, reason

Arrivals = Sequence[tuple[float, bytes]]


class Rehearsed(Conversation):
    """One client of a server that sends these bytes, each at its second of a clock that only this client moves."""

    now = 0.0

    def __init__(self, arrivals: Arrivals) -> None:
        site: Any = SimpleNamespace(restartable=True, wait_idle=lambda: None)
        super().__init__(site, 0.1)
        self.waits = WaitingTimes(0.1, seen_idle=True)
        self._heard = {"ann": bytearray()}
        self._arrivals = list(arrivals)

    def _read(self, wait: float) -> bool:
        if not self._arrivals or self._arrivals[0][0] > self.now + wait:
            self.now += wait
            return False
        at, data = self._arrivals.pop(0)
        self.now = max(self.now, at)
        self._heard["ann"] += data
        return True


def rehearsed(arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, kind: type[Rehearsed] = Rehearsed) -> Rehearsed:
    ann = kind(arrivals)
    monkeypatch.setattr(conversation, "time", SimpleNamespace(monotonic=lambda: ann.now))
    return ann


def answered(heard: HeardBytes) -> bool:
    return b"answer" in heard["ann"]


@pytest.mark.parametrize(
    ("arrivals", "lag"),
    [
        ([(0.01, b"answer")], 0.0),
        ([(0.25, b"answer")], 0.25),
        ([(0.25, b"ans"), (0.25, b"wer")], 0.25),
        ([(1.5, b"answer")], MAX_LAG),
    ],
)
def test_a_late_answer_shows_the_lag_up_to_a_bound(
    arrivals: Arrivals, lag: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = rehearsed(arrivals, monkeypatch)
    assert answered(ann.hear(answered))
    assert ann.waits.lag == pytest.approx(lag)


def test_a_server_that_answers_late_is_given_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ann = rehearsed([(0.25, b"answer")], monkeypatch)
    ann._budget = Budget(30.0, fixed=False)
    before = ann._budget.until
    ann.hear(answered)
    assert ann._budget.until - before == pytest.approx(LATE_ANSWERS * 0.25, abs=1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hear", "deliver", "size"),
    [
        (servers.fixed, b"{body}", 64),
        (servers.polled, b"{body}", 64),
        (servers.polled, b"somebody spoke", 0),
        (servers.lines, b"{body}", 0),
    ],
)
def test_the_size_of_a_frame_is_found_if_the_server_looks_for_frames_now_and_then(
    hear: Callable[[Any], bytes | None], deliver: bytes, size: int
) -> None:
    target = servers.chat(hear=hear, deliver=deliver, frame=lambda frame: frame.ljust(64)[:64])
    with closing(target.start(5.0)) as site, Conversation(site, 0.1) as ann:
        assert _fixed_size(ann) == size


def test_no_silence_is_counted_while_the_server_works(monkeypatch: pytest.MonkeyPatch) -> None:
    ann = rehearsed([(5.05, b"answer")], monkeypatch)
    works = iter([5.0])

    def work() -> bool:
        ann.now += next(works, 0.0)
        return True

    ann.site.wait_idle = work  # type: ignore[method-assign]
    assert answered(ann.hear(answered, briefly=True))
    assert ann.waits.lag == pytest.approx(0.05)


def test_a_greeting_that_comes_late_and_in_pieces_is_heard_to_its_end_and_shows_no_lag(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pieces = [(0.8, b"wel"), (1.6, b"come 1\n"), (10.8, b"wel"), (11.6, b"come 2\n")]
    ann = rehearsed(pieces, monkeypatch)
    assert ann.hear_greeting(["ann"])["ann"] == b"welcome 1\n"
    assert ann.waits.greeting_lag == pytest.approx(0.8)
    assert ann.waits.greets_late
    ann.now = 10.0
    assert ann.hear_greeting(["ann"])["ann"] == b"welcome 2\n"  # it ends otherwise, so all that comes is awaited
    assert ann.waits.lag == 0.0


def test_a_greeting_is_awaited_until_it_ends_as_the_first_one_did(monkeypatch: pytest.MonkeyPatch) -> None:
    ann = rehearsed([(0.8, b"welcome\n"), (10.8, b"wel"), (11.6, b"come\n")], monkeypatch)
    ann.hear_greeting(["ann"])
    ann.now = 10.0
    assert ann.hear_greeting(["ann"])["ann"] == b"welcome\n"


def test_a_server_that_has_greeted_nobody_is_asked_for_no_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    ann = rehearsed([], monkeypatch)
    ann.hear_greeting(["ann"])
    assert ann.waits.greeting_lag == 0.0
    begun = ann.now
    ann.hear_greeting(["ann"], expected=False)
    assert ann.now < begun + MIN_AWAIT_TIMEOUT / 10
    ann.hear_greeting(["ann"])  # one that greets only some
    assert not ann.waits.for_greeting >= MIN_AWAIT_TIMEOUT


class Overslept(Rehearsed):
    """On a machine so busy that each pause takes a second longer than it was asked for."""

    def _read(self, wait: float) -> bool:
        came = super()._read(wait)
        self.now += 0.0 if came else 1.0
        return came


def test_of_a_pause_no_more_is_silence_than_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ann = rehearsed([(3.0, b"answer")], monkeypatch, Overslept)
    assert answered(ann.hear(answered, briefly=True))
    assert ann.waits.lag == 0.0


def test_what_a_server_says_every_five_seconds_shows_no_lag_and_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ann = rehearsed([(5.0 * count, b"tick\n") for count in range(1000)], monkeypatch)
    for _ in range(20):
        ann.hear(answered)
    ann.hear()
    assert ann.waits.lag == 0.0


def test_a_client_that_is_ready_though_nothing_came_has_heard_nothing() -> None:
    ann = Rehearsed([])
    client: Any = SimpleNamespace(set_timeout=lambda seconds: seconds, receive=lambda: None)
    ann._clients = {"ann": client}
    assert not ann._read_from(["ann"])
    assert ann._heard_by_now() == {"ann": b""}


def test_clients_end_their_connections_before_their_server_ends_so_that_its_port_is_free_again() -> None:
    acts: list[str] = []

    def noted(act: str) -> Any:
        return lambda: acts.append(act)

    site: Any = SimpleNamespace(
        restartable=True, exit_report=str, restart=noted("restart"), address=None, wait_idle=noted("wait")
    )
    conversation = Conversation(site, 0.1)
    conversation.names.add("ann")
    conversation._clients["ann"] = cast(
        Any,
        SimpleNamespace(part=noted("part"), half_close=noted("half-close"), leave=lambda _: acts.append("read")),
    )
    conversation.fresh()
    assert acts == ["half-close", "wait", "read", "part", "restart"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list whose first number is the time."""
    now = [0.0]
    monkeypatch.setattr(heartbeat, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def after(pieces: Sequence[bytes], pauses: Sequence[float], clock: list[float], *, passes: bool = True) -> Heartbeat:
    """Return what is known when these pieces have come to one client, each after a pause of so many seconds."""
    found = Heartbeat()
    found.passes = passes
    for piece, pause in zip(pieces, pauses, strict=True):
        clock[0] += pause
        found.is_news("ann", piece)
    return found


def test_three_lines_that_differ_in_numbers_alone_as_far_apart_each_time_are_a_heartbeat(clock: list[float]) -> None:
    pieces = [b"[12:00:0%d] %d are here\r\n" % (number, number) for number in range(3)]
    found = after(pieces, [0.7, 1.0, 1.1], clock)
    assert found.lines == [Template("[{any}] {any} are here")]
    assert not found.is_news("ben", b"[13:14:15] 99 are here\n")
    assert found.is_news("ben", b"[13:14:15] 99 are here\n7: hello\n")
    assert found.without(b"7: hel[1:15] 99 are here\n7: lo\n[13:14:15] 99 are here\n") == (
        b"7: hel[1:15] 99 are here\n7: lo\n"
    )


def test_several_lines_may_come_each_time(clock: list[float]) -> None:
    found = after([b"-- tick\n-- %d\n" % number for number in (8, 9, 10)], [0.2] * 3, clock)
    assert found.lines == [Template("-- tick"), Template("-- {any}")]


@pytest.mark.parametrize(
    ("pieces", "pauses"),
    [
        ([b"tick\n"] * 2, [1.0] * 2),
        ([b"tick\n"] * 3, [1.0, 1.0, 2.0]),
        ([b"tick\n"] * 3, [0.05] * 3),
        ([b"tick"] * 3, [1.0] * 3),
        ([b"otter\n", b"mink\n", b"weasel\n"], [1.0] * 3),
        ([b"7\n", b"8\n", b"9\n"], [1.0] * 3),
        ([b"x" * MAX_BEAT_BYTES + b"\n"] * 3, [1.0] * 3),
        ([b"1 {a} 2 {b} 3 {c} 4 {d} 5 {e} 6 {f} 7 {g} 8 {h} 9 {i} 10 {j}\n"] * 3, [1.0] * 3),
    ],
)
def test_what_comes_twice_or_at_odd_times_or_has_no_end_or_no_word_of_its_own_is_news(
    pieces: Sequence[bytes], pauses: Sequence[float], clock: list[float]
) -> None:
    found = after(pieces, pauses, clock)
    assert found.lines == []
    assert found.is_news("ann", pieces[0])


def test_answers_are_no_heartbeat_nor_is_anything_where_no_dialect_could_say_so(clock: list[float]) -> None:
    found = after([b"tick\n"] * 2, [1.0] * 2, clock)
    clock[0] += 1.0
    found.listen()
    assert found.is_news("ann", b"tick\n")
    assert after([b"tick\n"] * 3, [1.0] * 3, clock, passes=False).lines == []


class Beating(servers.Chat):
    """Tells all members a count, five times a second."""

    def __init__(self, speech: servers.Speech) -> None:
        super().__init__(speech)
        self.closing = threading.Event()
        threading.Thread(target=self.beat, daemon=True).start()

    def beat(self) -> None:
        for number in count():
            if self.closing.wait(0.2):
                return
            with self.lock:
                for member in self.members:
                    with suppress(OSError):
                        member.wfile.write(b"-- %d and all is well\n" % number)

    def server_close(self) -> None:
        self.closing.set()
        super().server_close()


@pytest.mark.slow
@pytest.mark.usefixtures("quick_learning")
def test_a_room_with_a_heartbeat_is_learned() -> None:
    site = InProcess(lambda: Beating(servers.Speech(deliver=b"{number}: {body}\n", to_sender=b"{number}: {body}\n")))
    text = proposed(site)
    assert 'notices = ["-- {any} and all is well"]' in text
    assert reason(text, "notices") == "# lines like this come again and again, whoever speaks"
    assert 'template = "{sender}: {body}"' in text
