"""An adversarial, deterministic scheduler: every interleaving of a handler's threads, on demand.

    socketserver-faults schedule delivers-without-the-lock
    socketserver-faults schedule your_package.chat:Handler

    >>> from socketserver_faults.schedule import explore
    >>> def test_my_chat_under_all_schedules():
    ...     explore(Handler, "speak", deviations=2)

Races are why these programs are hard, and luck is how they are found: two members that see different orders show in one
of some hundred runs. Here the real handler classes run, through the real `process_request`, in real threads; but one
thread at a time, and who goes on is decided, at every operation on a socket, a lock, a thread or the clock. All
decisions are tried that differ from the undisturbed run in at most a few places, the fewest first. So what is found is
found always, in the shortest form that it has, and replays from a code of one word.

Read in this order; each folder says more in its __init__:

    core/           threads of which one runs at a time
    virtual/        their sockets, clock and modules
    world/          a server and its clients, and one run
    exploration/    which runs there are, and how what was found is told

How we know that it is like the world: `tests/faults/schedule/test_bridge.py` plays the closed-request demo in both.

What a point is decides what can be found. Code between two operations on a socket, a lock, a thread or the clock runs
as one: `members.add(x)` and the loop over `members` never meet halfway, unless something is sent in between. With
`lines`, there is a point before every line. No schedule tells anything of what lies below a line.

What it does not do: datagrams, processes, asyncio, TLS. Whatever a program uses that is not modelled is refused, with
its name.

RULE: a folder imports only folders above it. Importing this package imports nothing; `explore` and `Race` are found
when they are asked for.
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
