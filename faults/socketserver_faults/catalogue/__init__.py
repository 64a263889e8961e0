"""Servers with ONE planted bug each, grouped by theme.

    registry.py          what a fault is, and how it enters the catalogue
    ownership.py         which thread may close a request
    closed_request.py    the request that is closed while a thread uses it
    membership.py        which clients are members
    delivery.py          what arrives, where, and how often
    slow_members.py      what becomes of members that read slowly, or not at all
    leaving.py           how clients leave, and what they lose
    requests.py          what handlers get
    serving.py           the server itself: when handlers run, concurrency, errors
    ending.py            how the server ends
    keeping.py           what it keeps of clients that have left
    system.py            what it does when the system refuses it something
    echoing.py           the echo over connections
    datagrams.py         the echo over datagrams
    race_window.py       widens a race, so that it shows in every run
    index.py             all faults, by name

RULE: a fault is a class of the reference with one method overridden, and no fault knows how the suite finds it.
"""
