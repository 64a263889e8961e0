"""An adversarial, deterministic scheduler: every interleaving of a handler's threads, on demand.

    socketserver-faults schedule delivers-without-the-lock
    socketserver-faults schedule your_package.chat:Handler
    socketserver-faults schedule your_chat.py

    >>> from socketserver_faults.schedule import explore
    >>> def test_my_chat_under_all_schedules():
    ...     explore(Handler, "speak", deviations=2)

Without a scheduler, races are found by luck: two members see different orders in one of some hundred runs. Here the
real handler classes run, through the real `process_request`, in real threads, but one thread at a time. The scheduler
decides which thread runs next at every operation on a socket, a lock, a thread or the clock. Of the schedules that
fail, it tells one that differs from the undisturbed run in the fewest decisions. So it always finds the same failure,
with as few deviations as possible, and a code of one word replays it.

Most schedules differ in nothing that matters: two threads read from two clients, in one order or the other. So the
scheduler watches what each step reads and changes, also of the program's own objects, and clears a scenario by one
schedule of each class of equivalent ones: `exploration/reduction.py` says how. Where the classes are too many, or a
program cannot be watched, all schedules with up to two deviations are tried, and the report says why.

Read in this order; each folder says more in its __init__:

    core/           threads of which one runs at a time
    virtual/        their sockets, clock and modules
    world/          a server and its clients, and one run
    exploration/    the search for a schedule that fails, and its report

Evidence that it behaves as real sockets do: `tests/faults/schedule/test_bridge.py` plays the closed-request demo on
both.

Limits: code between two operations on a socket, a lock, a thread or the clock runs as one. So `members.add(x)` and a
loop over `members` never interleave, unless the loop sends. With `lines`, threads may also be switched before every
line. Nothing smaller than a line is interleaved.

The order of a set of strings differs from process to process. The command fixes it; pytest needs PYTHONHASHSEED=0 where
that decides.

Not modelled: datagrams, processes, asyncio, TLS. A program that uses anything that is not modelled is refused, and the
message names it; `faults/SCHEDULE.md` lists what plays.

RULE: a folder imports only folders above it. Importing this package imports nothing; `explore` and `Race` are imported
on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socketserver_faults.schedule.exploration.explore import Race, explore

__all__ = ["Race", "explore"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from socketserver_faults.schedule.exploration import explore as exploring

    return getattr(exploring, name)
