"""Threads of which one runs at a time, and the points at which it is decided who goes on.

Read in this order:

    run.py            what a run is made of
    scheduler.py      one thread runs at a time; points, decisions, deadlocks
    locks.py          locks made of that
    threads.py        and a whole `threading`
    line_points.py    points between lines
    namespace.py      modules that refuse with its name what they do not have

RULE: nothing here knows of sockets, servers or the suite.
"""
