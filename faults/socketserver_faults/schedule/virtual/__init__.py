"""A virtual process: its sockets, clock and modules, made of the scheduler's threads.

Read in this order:

    connection.py       a connection as Linux has it: buffers, half-close, reset
    listener.py         the queue of a listening socket
    descriptors.py      descriptors, and the open files that they refer to
    kernel.py           listeners, connections, and system calls that wait
    options.py          the options of a socket
    paths.py            files and folders that a program makes and removes
    files.py            files of sockets, and files that a program writes
    other_sockets.py    sockets that are none of TCP
    socket_object.py    a socket as Python has it
    network.py          the network of one run, and the substitute for `socket`
    outside.py          what a program may not do, and what to do instead
    readiness.py        substitutes for `selectors` and `select`
    chance.py           substitutes for `random` and `datetime`
    log.py              a substitute for `logging`
    process.py          substitutes for `sys`, `os`, `signal`, `atexit`
    substitutes.py      all substitutes
    insertions.py       calls that are inserted into the code of a program
    sources.py          where the source of a module is
    module_copies.py    copies of the modules under test that import these, while the process keeps the real ones
    models.py           the table of what plays

RULE: nothing in the real process is patched, and what is not modelled is refused by name.
"""
