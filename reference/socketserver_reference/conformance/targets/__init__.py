"""The server under check, from outside: start it, connect to it, observe it, end it.

Read in this order:

    base.py           a target, and the site that it becomes when it is started
    client.py         one socket, and how it is used and closed
    parting.py        how it closes without keeping the port of a server
    crowd.py          many connects in the same instant, and many that wait for nothing
    notice.py         says what the checker waits for
    first_contact.py  the first connection, where it is unknown whether a server listens
    in_process.py     a server in this process
    external.py       a running server, at an address
    launched.py       a command, launched whenever a fresh server is needed
    command.py        its words, and why the system would not execute them
    ports.py          free ports, and waiting for one
    time_wait.py      connections that hold the port of their last server, and how to end them
    process.py        one such process
    supervisor.py     what ends all of it in any case
    listening.py      whether it listens, seen without a connection
    processes.py      whether its processes are idle, and what they cost
    resources.py      what its processes hold, and may hold
    quiescence.py     whether threads are idle
    proc_files.py     how Linux tells

RULE: each socket, thread or process has one owner here, which opens and closes it; nothing here judges what a server
sends. A server is not touched before the first client of the first scenario.
"""
