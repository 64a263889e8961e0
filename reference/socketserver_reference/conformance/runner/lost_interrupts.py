"""Interrupts that Python loses: where nobody can catch an exception, a KeyboardInterrupt ends nothing.

That is so in a destructor and in a callback of the garbage collector, and Hypothesis has such a callback. Python hands
the exception to `sys.unraisablehook`; one interrupt in forty ended there, and the check went on.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

REPEAT_SECONDS = 0.05
"""Seconds after which a lost interrupt comes again: by then the main thread has left the callback. If it has not, the
interrupt is lost again, and comes again.
"""


@contextmanager
def repeated() -> Iterator[None]:
    """Interrupt the main thread again within the block, as often as it loses a KeyboardInterrupt."""
    before = sys.unraisablehook

    def hook(lost: Any) -> None:
        if lost.exc_type is KeyboardInterrupt and threading.current_thread() is threading.main_thread():
            _interrupt_later()
        else:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _interrupt_later() -> None:
    """Raise KeyboardInterrupt in the main thread, whatever a signal from outside would do there."""
    handler = signal.getsignal(signal.SIGUSR1)

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGUSR1, handler)
        raise KeyboardInterrupt

    signal.signal(signal.SIGUSR1, interrupt)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(REPEAT_SECONDS, signal.pthread_kill, (main, signal.SIGUSR1))
    timer.daemon = True
    timer.start()
