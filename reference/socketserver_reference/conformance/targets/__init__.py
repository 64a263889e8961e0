"""The server under check, from outside: start it, connect to it, observe it, end it.

Read in this order:

    base.py          a target, and the site that it becomes when it is started
    client.py        one socket, and how it is used and closed
    crowd.py         many connects in the same instant
    in_process.py    a server in this process
    external.py      a running server, at an address
    launched.py      a command, launched whenever a fresh server is needed
    process.py       one such process
    supervisor.py    its parent, which ends all of it in any case
    ports.py         free ports
    quiescence.py    whether the threads of a server are idle

RULE: each socket, thread or process has one owner here, which opens and closes it; nothing here judges what a server
sends.
"""
