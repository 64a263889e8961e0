"""The network as an adversary: between any client and any server, over tcp, udp or Unix streams.

    with Proxy(Address.parse("tcp://127.0.0.1:0"), server, Conditions(delay=0.01, split=1), seed=7) as proxy:
        ...                                        # clients connect to proxy.address

    class TestMine(ChatConformance):               # the suite, through it
        target = Through(Launched("node server.js {port}"), Conditions(jitter=0.05))

`socketserver-faults proxy` is the same as a command. Read in this order:

    conditions.py      network conditions, as data           link.py              delays and changes one direction
    relay.py           waiting for sockets and times         connection.py        one connection
    stream_relay.py    forwards connections                  datagram_relay.py    forwards datagrams
    journal.py         the events that were injected         proxy.py             the thread that does all this
    target.py          a conformance target behind it

RULE: the network logs an event before it injects it, so that no server is blamed for it.
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
