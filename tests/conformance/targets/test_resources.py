"""What a process holds, as Linux tells."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from socketserver_reference.conformance.targets import proc_files
from socketserver_reference.conformance.targets.resources import (
    CLOSED_SOCKETS,
    ENDED_THREADS,
    MEMORY,
    WRITABLE,
    Resources,
    held_below,
    held_here,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is seen of what a process holds")

HOLDER = """
import mmap, os, sys, threading
def hold(what):
    if what == "threads": threading.Thread(target=threading.Event().wait, daemon=True).start()
    if what == "descriptors": os.open(os.devnull, os.O_RDONLY)
    if what == "children": os.waitid(os.P_PID, os.fork() or os._exit(0), os.WEXITED | os.WNOWAIT)
    if what == "memory": kept.append(b"x" * (1 << 20))
    if what == "room": kept.append(mmap.mmap(-1, 1 << 20, mmap.MAP_PRIVATE))
kept = []
for what in sys.stdin:
    hold(what.strip())
    print("held", flush=True)
"""


READS = "import sys; sys.stdin.read()"


def held(what: str, *, many: int = 3) -> tuple[Resources, Resources]:
    """Return what a process holds before it takes so many more of something, and afterwards."""
    words = [sys.executable, "-S", "-c", HOLDER]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None

        def take(it: str) -> None:
            assert holder.stdin is not None
            assert holder.stdout is not None
            holder.stdin.write(f"{it}\n")
            holder.stdin.flush()
            assert holder.stdout.readline() == "held\n"

        take("nothing")
        before = held_below(os.getpid())
        for _ in range(many):
            take(what)
        after = held_below(os.getpid())
        assert before is not None
        assert after is not None
        return before, after


@pytest.mark.parametrize(
    ("what", "grown"),
    [
        ("nothing", {}),
        ("threads", {"threads": 3}),
        ("descriptors", {"open descriptors": 3}),
        ("children", {"processes": 3, "threads": 3}),  # each is a zombie, with a thread
    ],
)
def test_what_a_process_takes_is_seen(what: str, grown: dict[str, int]) -> None:
    before, after = held(what)
    counted = {what: after[what] - before[what] for what in before if what not in (MEMORY, WRITABLE)}
    assert {what: more for what, more in counted.items() if more} == grown


def test_memory_is_what_was_written_to_and_room_what_may_be() -> None:
    before, after = held("memory")
    assert after[MEMORY] - before[MEMORY] >= 3 * 1024
    assert after[WRITABLE] - before[WRITABLE] >= 3 * 1024
    before, after = held("room")
    assert after[MEMORY] - before[MEMORY] < 1024
    assert after[WRITABLE] - before[WRITABLE] >= 3 * 1024


def test_of_this_process_all_is_seen_but_memory() -> None:
    before = held_here()
    assert before is not None
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        after = held_here()
        assert after is not None
        assert after["threads"] == before["threads"] + 1
        assert {MEMORY, WRITABLE}.isdisjoint(after)
    finally:
        over.set()
        thread.join()


def counted_here(what: str) -> int:
    return (held_here() or {})[what]


def test_a_closed_socket_counts_in_this_process_as_long_as_something_refers_to_it() -> None:
    before = counted_here(CLOSED_SOCKETS)
    kept = {socket.socket(), socket.socket()}
    assert counted_here(CLOSED_SOCKETS) == before
    for one in kept:
        one.close()
    assert counted_here(CLOSED_SOCKETS) == before + 2
    cycle: list[object] = [kept.pop()]
    cycle.append(cycle)
    assert counted_here(CLOSED_SOCKETS) == before + 2
    del one, cycle
    assert counted_here(CLOSED_SOCKETS) == before + 1  # that nothing has collected the cycle yet says nothing


def test_an_ended_thread_counts_in_this_process_and_one_that_was_never_started_does_not() -> None:
    before = counted_here(ENDED_THREADS)
    over = threading.Event()
    kept = [threading.Thread(target=over.wait), threading.Thread(target=over.wait)]
    kept[0].start()
    meanwhile = counted_here(ENDED_THREADS)
    over.set()
    kept[0].join()
    assert meanwhile == before
    assert counted_here(ENDED_THREADS) == before + 1


def test_no_object_of_this_process_is_asked_for_its_class() -> None:
    def asked(_: object) -> type:
        raise AssertionError

    proxy = type("Proxy", (), {"__class__": property(asked)})()
    assert held_here()
    del proxy


def test_nothing_is_held_where_nothing_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert held_below(0) is None  # there is no such process
    monkeypatch.setattr(proc_files, "read", lambda *_: "")
    monkeypatch.setattr(proc_files, "listed", lambda _: [])
    assert held_below(os.getpid()) is None


def test_a_long_file_is_read_to_its_end() -> None:
    whole = Path("/proc/self/smaps").read_text()
    assert len(proc_files.read("/proc/self/smaps", 1 << 24).splitlines()) >= len(whole.splitlines()) - 100
    assert len(proc_files.read("/proc/self/smaps", 10_000)) == 10_000


def test_an_orphan_that_has_ended_is_not_held_by_those_who_left_it_behind() -> None:
    def processes() -> int:
        return (held_below(os.getpid()) or {"processes": 0})["processes"]

    before = processes()
    with subprocess.Popen([sys.executable, "-c", READS], stdin=subprocess.PIPE) as orphan:  # as if adopted
        assert processes() == before + 1
        assert orphan.stdin is not None
        orphan.stdin.close()
        os.waitid(os.P_PID, orphan.pid, os.WEXITED | os.WNOWAIT)  # a zombie from now on
        assert processes() == before
