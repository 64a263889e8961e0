"""What becomes of SIGINT and SIGTERM while a command serves or checks."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Stoppable(Protocol):
    """What serves until it is told to stop."""

    def stop(self) -> None:
        """Begin to end; return at once."""


@contextmanager
def stopped_by_signals(server: Stoppable) -> Iterator[None]:
    """Stop the server at SIGINT or SIGTERM, in the length of the block."""

    def stop(_number: int, _frame: Any) -> None:
        server.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Take a request to end (SIGTERM) for a Ctrl-C: the server is ended, and the results so far are told."""
    if threading.current_thread() is not threading.main_thread():  # nobody else may say what becomes of a signal
        yield
        return

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows is the end, in order
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
