"""Checks of the SRV clauses, about `socketserver` classes, in the process where the server runs.

Read in this order:

    coordinator.py       receives the reports of handlers, and holds a handler at a known point
    probes.py            handlers that report every phase
    hosts.py             a server in a thread, and the resources it leaves behind
    fork_host.py         a forking server, in a process of its own
    server_session.py    a server and its clients, for one check
    overriding.py        servers whose methods report, as if they were overridden
    streaming.py         servers whose handlers read and write files
    support.py           helpers of the checks
    serving_checks.py    checks of what the server itself does
    checks.py            ServerConformance

RULE: each change to the state of the whole process is made by one context manager, which restores it.
"""
