"""The SRV clauses, about `socketserver` classes, seen where the server runs.

Read in this order:

    coordinator.py    what handlers report, and how a check holds one at a known point
    probes.py         handlers that only report, and a server that is watched
    hosts.py          a server in a thread, and what it leaves behind
    fork_host.py      a forking server, in a process of its own
    server_session.py          a server and its clients, for one check
    support.py        what the checks need
    checks.py         ServerConformance

RULE: whatever is changed for the whole process is changed in one context manager, and restored by it.
"""
