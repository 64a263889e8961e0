"""The host of a server that is checked in this process, or in one that it forks."""

import threading
import time

from socketserver_reference.conformance.inprocess import hosts


def test_a_thread_that_is_never_started_is_waited_for_no_longer_than_the_bound() -> None:
    thread = threading.Thread(target=lambda: None)
    hosts._join(thread, time.monotonic() + 0.01)
    assert thread.ident is None
