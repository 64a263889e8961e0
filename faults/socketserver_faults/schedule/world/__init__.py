"""A server and its clients in a virtual process, and one run of them.

Read in this order:

    subject.py      the program: of the reference, of the catalogue, or your own
    remembered.py   oracles that remember what they have said
    clients.py      its clients: the conformance suite's own, on virtual sockets
    calls.py        what is noted of the calls of socketserver
    endless.py      the clause of a program that goes on without an end
    world.py        a server and its clients, and one run
    worlds.py       virtual processes, to be opened and closed
    scenarios.py    what the clients do
    fitting.py      whether the program speaks the dialect
    learning.py     to learn its dialect

RULE: the clients are the suite's own stage and oracle: a schedule is judged as a check is.
"""
