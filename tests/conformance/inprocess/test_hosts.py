"""The host of a server that is checked in this process, or in one that it forks."""

import threading
import time

import pytest

from socketserver_reference.conformance.inprocess import hosts
from socketserver_reference.conformance.inprocess.probes import NoMoreThreads


def test_a_thread_that_is_never_started_is_waited_for_no_longer_than_the_bound() -> None:
    thread = threading.Thread(target=lambda: None)
    hosts._join(thread, time.monotonic() + 0.01)
    assert thread.ident is None


def test_only_the_loop_of_the_server_can_start_no_thread() -> None:
    loop = threading.get_ident()
    with NoMoreThreads(loop) as system, pytest.raises(RuntimeError, match="can't start new thread"):
        threading.Thread(target=lambda: None).start()
    assert (system.refused, system.tried.is_set()) == (1, True)
    started = threading.Thread(target=lambda: None)
    with NoMoreThreads(-loop) as system:
        started.start()
    started.join()
    assert (system.refused, system.tried.is_set()) == (0, False)
