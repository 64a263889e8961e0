"""What becomes of SIGINT and SIGTERM while a command serves or checks."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stoppable(Protocol):
    """What serves until it is told to stop."""

    def stop(self) -> None:
        """Begin to end; return at once."""


class Signals:
    """What SIGINT and SIGTERM do: the first stops a server, or will, when there is one; the second ends the process."""

    def __init__(self) -> None:
        self.came = False
        self.server: Stoppable | None = None

    def __call__(self, number: int, _frame: Any) -> None:
        if self.came:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.came = True
        if self.server is not None:
            self.server.stop()

    def stop(self, server: Stoppable) -> None:
        """Stop this server at the first signal: now, if it has come already."""
        self.server = server
        if self.came:
            server.stop()


@contextmanager
def stopped_by_signals() -> Iterator[Signals]:
    """Handle SIGINT and SIGTERM within the block. After one of them the process is ending: the next one ends it."""
    signals = Signals()
    before = {number: signal.signal(number, signals) for number in SIGNALS}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if signals.came else handler)


@contextmanager
def interrupted_without_traceback() -> Iterator[None]:
    """Let Ctrl-C end the process within the block; afterwards it raises KeyboardInterrupt again."""
    in_main = threading.current_thread() is threading.main_thread()  # the one thread that may handle signals
    if not in_main or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
