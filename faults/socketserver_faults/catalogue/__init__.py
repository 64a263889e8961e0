"""Servers with ONE planted bug each, grouped by theme.

    registry.py          what a fault is, and how it enters the catalogue
    ownership.py         who may close a request
    closed_request.py    the request that was closed under its user: the one everybody meets
    membership.py        who is in the room
    delivery.py          what arrives, where, and how often
    leaving.py           how clients go, and what goes with them
    serving.py           the server itself: what handlers are told, concurrency, failing
    ending.py            how the server ends
    echoing.py           the echo over connections
    datagrams.py         the echo over datagrams
    race_window.py       holds a race open for a moment, so that it shows
    index.py             all of them, by name

RULE: a fault is a class of the reference with one method overridden; nothing here knows how the suite finds it.
"""
