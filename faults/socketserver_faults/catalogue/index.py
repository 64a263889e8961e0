"""Servers with ONE planted bug each, grouped by theme.

    ownership.py         who may close a request
    closed_request.py    the request that was closed under its user: the one everybody meets
    membership.py        who is in the room
    delivery.py          what arrives, where, and how often
    leaving.py           how clients go, and what goes with them
    serving.py           the server itself: concurrency, failing, ending
    echoing.py           the echo over connections
    datagrams.py         the echo over datagrams

Importing this module fills the catalogue.
"""

from socketserver_faults.catalogue import (
    closed_request,
    datagrams,
    delivery,
    echoing,
    leaving,
    membership,
    ownership,
    serving,
)

__all__ = ["closed_request", "datagrams", "delivery", "echoing", "leaving", "membership", "ownership", "serving"]
