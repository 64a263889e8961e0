"""Threads of which one runs at a time, and the points at which the scheduler may switch to another.

Read in this order:

    footprints.py     what a step touches
    run.py            the data of a run
    recorder.py       the steps of a run, with what they touch
    decisions.py      which thread runs next
    scheduler.py      one thread runs at a time; points and deadlocks
    unrecorded.py     the same code for runs that are not recorded
    serials.py        numbers of objects in place of addresses
    locks.py          locks made of points
    queues.py         queues, likewise
    threads.py        a `threading` module
    thread_kinds.py   thread-local data, timers and barriers
    line_points.py    points between lines
    reaching.py       names of objects, and what can be reached from them
    attributes.py     what vars() returns
    shared_objects.py what the code of a program does with its objects
    watched_code.py   code that says so
    namespace.py      modules that refuse, by name, what is not modelled

RULE: nothing here knows of sockets, servers or the suite.
"""
