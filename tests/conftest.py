"""Fixtures of the tests.

Tests that run much, and run what others run as well, are marked `sweep`: `make sweep` runs them, without coverage.
Tests that take about a second of processor time or more are marked `slow`: `make slow` runs them, and so does CI.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.conformance.dialects.limits import Limits
from socketserver_reference.conformance.learn import conversation, first_contact, pace, propose, waiting
from socketserver_reference.conformance.learn.echo import datagram
from socketserver_reference.conformance.learn.questions import history, limits
from socketserver_reference.conformance.runner.affinity import one_processor
from socketserver_reference.conformance.targets import ports
from tests.support.checking import Checker, Lifeline
from tests.support.grouping import scheduling
from tests.support.serving import SOURCES, TIMEOUT

LONGEST = (
    "test_a_fault_of_each_kind_breaks",
    "test_a_label_without_end_is_told",
    "test_a_script_shows_the_fault",
    "test_deliveries_that_end_differently",
    "test_the_chat_holds",
    "test_what_follows_a_delivery_and_is_no_text",
    "test_what_is_no_chat_is_told",
    "test_who_keeps_the_gaps",
)
"""Tests that mostly wait, for what a broken server does not do."""

pytest_plugins = ["pytester"]

os.environ["PYTHONPATH"] = SOURCES  # what is started without site-packages finds us all the same

# A shell has what it starts in the background ignore Ctrl-C, and whatever that launches inherits it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def ports_of_its_own(worker_id: str) -> Iterator[None]:
    """Give each worker its own range of free ports: one that is free is never taken by another before it is used."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ports, "PORTS", range(11000 + 900 * (number % 20), 11000 + 900 * (number % 20 + 1)))
        yield


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Any:
    """Let the tests of a group share what is costly to make."""
    return scheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits longest, so that others work meanwhile, and nobody waits for it alone in the end."""
    items.sort(key=lambda item: not item.name.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Take what is here by now for what stays: each pytest run within a test ends by looking for garbage."""
    gc.collect()
    gc.freeze()


@contextmanager
def without_tracing() -> Iterator[None]:
    """Do not measure what this thread covers within the block, nor those that start there."""
    here, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        sys.settrace(here)
        threading.settrace(of_threads)


@pytest.fixture
def untraced() -> Iterator[None]:
    """Many steps of the scheduler: to trace them takes three to eight times as long, and what they cover of the
    reference and the suite, other tests cover as well.
    """
    with without_tracing():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Measure in one worker what all of them import."""
    if getattr(session.config, "workerinput", {"workerid": "gw0"})["workerid"] == "gw0":
        return (yield)
    with without_tracing():
        return (yield)


@pytest.fixture(autouse=True)
def nobody_left_behind() -> Iterator[None]:
    """Every thread ends with the test that started it: what one raises later would be blamed on another test."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.is_alive() and thread.name != "launched output":  # as it is of a process that serves a whole module
            thread.join(TIMEOUT)
            assert not thread.is_alive(), f"{thread} is left behind"


@pytest.fixture
def check(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Checker:
    """The `check` command, in this process."""
    return Checker(capfd, tmp_path)


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Lifeline]:
    """A FIFO for the servers of a test."""
    opened = Lifeline(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a clock shows, as its only item."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def on_one_processor() -> Iterator[None]:
    """Stay on one processor: threads of which one runs at a time are twice as fast there."""
    with one_processor(os.getpid()):
        yield


@pytest.fixture
def quick_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `learn` ask for a small crowd, and not wait long: the tests' servers have said all when they are at rest."""
    monkeypatch.setattr(limits, "CROWD_MEMBERS", 8)
    monkeypatch.setattr(waiting, "MIN_AWAIT_TIMEOUT", 0.3)
    monkeypatch.setattr(waiting, "PROMPT_AWAIT_TIMEOUT", 0.2)
    monkeypatch.setattr(conversation, "MAX_HEARD_BYTES", 1 << 18)
    monkeypatch.setattr(history, "MAX_UTTERANCES", 8)
    monkeypatch.setattr(pace, "RATE_UTTERANCES", 8)
    monkeypatch.setattr(first_contact, "LATER", Limits(gap=0.05, join_delay=0.05))
    monkeypatch.setattr(first_contact, "APART", Limits(gap=0.05, join_delay=0.05, join_gap=0.05))
    monkeypatch.setattr(propose, "VERIFYING_TIMEOUT", 5.0)
    monkeypatch.setattr(datagram, "REPLY_TIMEOUT", 0.5)
    monkeypatch.setattr(first_contact, "PROBED_HEADERS", ("%4d", "%04d"))
