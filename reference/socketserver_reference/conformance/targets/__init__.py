"""The server under check, from outside: started if it must be, reached, watched, ended.

Read in this order:

    base.py          what a target is, and the site that it becomes when it is started
    client.py        one socket, and the ways to use and to leave it      crowd.py    many in one instant
    in_process.py    a server in this process
    external.py      a server that somebody else runs
    launched.py      a command, launched as often as a fresh server is needed
    process.py       one such process, below supervisor.py, which ends all of it whatever happens
    ports.py         ports that are free
    quiescence.py    whether a server has come to rest

RULE: whoever opens a socket, starts a thread or launches a process here closes it; nothing here judges what a server
says.
"""
