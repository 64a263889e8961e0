"""The network as an adversary: between any client and any server, over tcp, udp or Unix streams.

    with Proxy(Address.parse("tcp://127.0.0.1:0"), server, Conditions(delay=0.01, split=1), seed=7) as proxy:
        ...                                        # clients connect to proxy.address

    class TestMine(ChatConformance):               # the suite, through it
        target = Through(Launched("node server.js {port}"), Conditions(jitter=0.05))

`socketserver-faults proxy` is the same as a command. Read in this order:

    conditions.py      what a network can do, as data        link.py              what becomes of what is sent
    relay.py           who waits for what                    connection.py        one connection
    stream_relay.py    carries connections                   datagram_relay.py    carries datagrams
    journal.py         what the network did itself           proxy.py             the thread that does it all
    target.py          a conformance target behind it

RULE: what the network does is written down before it is done, so that a server is never blamed for it.
"""

from socketserver_faults.network.conditions import MAX_HELD_BYTES, UNIMPAIRED, BadConditions, Conditions
from socketserver_faults.network.journal import InjectedEvent
from socketserver_faults.network.proxy import Proxy
from socketserver_faults.network.relay import CannotCarry
from socketserver_faults.network.target import Through

__all__ = [
    "MAX_HELD_BYTES",
    "UNIMPAIRED",
    "BadConditions",
    "CannotCarry",
    "Conditions",
    "InjectedEvent",
    "Proxy",
    "Through",
]
