"""Lines that a server sends by itself, again and again, are no answer to anybody: they pass, and become notices."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from types import SimpleNamespace

import pytest

from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import heartbeat
from socketserver_reference.conformance.learn.heartbeat import MAX_BEAT_BYTES, Heartbeat
from socketserver_reference.conformance.targets.in_process import InProcess
from tests.servers import dialect_servers as servers
from tests.support.learning import proposed, reason


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
