"""How a command that serves or checks handles SIGINT and SIGTERM."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stoppable(Protocol):
    """A server that runs until it is stopped."""

    def stop(self) -> None:
        """Begin to end; return at once."""


class Signals:
    """Handler of SIGINT and SIGTERM: the first stops the server, once there is one; the second ends the process.

    A KeyboardInterrupt in process_request() would make `socketserver` close a request that a thread uses.
    """

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
        """Stop this server at the first signal, or now if that has already come."""
        self.server = server
        if self.came:
            server.stop()

    def leave_next_to_system(self) -> None:
        """If a signal came, let the system act on the next one.

        Python only notes a signal that comes while the main thread is about to block, as in waiting for a handler.
        """
        if self.came:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)


@contextmanager
def stopped_by_signals() -> Iterator[Signals]:
    """Handle SIGINT and SIGTERM within the block. If one came, the next ends the process, even after the block."""
    signals = Signals()
    before = {number: signal.signal(number, signals) for number in SIGNALS}
    try:
        yield signals
    finally:
        signals.leave_next_to_system()
        for number, handler in () if signals.came else before.items():
            signal.signal(number, handler)


@contextmanager
def interrupted_without_traceback() -> Iterator[None]:
    """Let Ctrl-C end the process at once within the block."""
    in_main = threading.current_thread() is threading.main_thread()  # no other thread may set a signal handler
    if not in_main or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def interruptible(name: str, *, ends_process: bool) -> Iterator[None]:
    """Let the first Ctrl-C raise KeyboardInterrupt within the block, and a second one end the process at once.

    `ends_process` says that nothing comes after the block: then Ctrl-C simply ends the process.
    """
    in_main = threading.current_thread() is threading.main_thread()  # no other thread may set a signal handler
    before = signal.getsignal(signal.SIGINT)
    if not in_main or before not in (signal.default_int_handler, signal.SIG_DFL):
        yield
        return

    def again(*_: object) -> None:
        with suppress(OSError):
            os.write(2, f"{name}: interrupted\n".encode())
        os._exit(130)

    def first(*_: object) -> None:
        signal.signal(signal.SIGINT, again)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if ends_process else before)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C within the block: the check ends the server, and reports the results so far."""
    if threading.current_thread() is not threading.main_thread():  # no other thread may set a signal handler
        yield
        return

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second signal must not disturb the orderly end
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
