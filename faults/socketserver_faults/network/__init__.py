"""The network as an adversary: between any client and any server, over tcp, udp or Unix streams.

    with Proxy(Address.parse("tcp://127.0.0.1:0"), server, Weather(delay=0.01, split=1), seed=7) as proxy:
        ...                                        # clients connect to proxy.address

    class TestMine(ChatConformance):               # the suite, through it
        target = Through(Launched("node server.js {port}"), Weather(jitter=0.05))

`socketserver-faults proxy` is the same as a command. Read in this order:

    weather.py     what a network can do, as data                course.py     what becomes of what is sent: decided
    carrier.py     who waits for what                            sides.py      one connection
    streams.py     carries connections                           datagrams.py  carries datagrams
    deeds.py       what the network did itself                   proxy.py      the thread that does it all
    through.py     a conformance target behind it

Left alone, it is faithful: bytes, ends of stream and resets arrive each way in order; a client that is turned away, or
whose server cannot be reached, is reset, since the network has accepted it by then. Whoever does not read is felt by
who speaks to it: no direction of a connection holds more than `HELD` bytes, and nothing is read beyond them. `split`
sends every piece as a segment of its own, and `coalesce` sends one segment; but between two segments that wait to be
read, a receiver's kernel makes no difference, so that a server is sure to see the pieces only if something comes
between them: `--rate`, say.

Chance is a matter of seed, connection, direction and place alone, so the same exchange meets the same fate in every
run. (Who sends faster than the other reads cannot repeat an exchange: where TCP cuts it is a matter of time.)

What a conformance suite sees through it. Measured with the reference and with every planted bug that a client can see,
calm, with delays and with coalescing: all verdicts are the same but one, and one is found out less sharply:

    CHAT-16   whether a delivery waits for the client's delayed acknowledgement cannot be seen: the network acknowledges
              to the server at once, and sends to the client without waiting. (And jitter of 20 ms looks like a wait.)
    CHAT-15   that a member is not cut off while less than 64 KiB wait for it: the network's buffers hold them, too, so
              that a server with too small a buffer shows itself only when more than all of them is waiting.

A server whose queue of connections is short (CHAT-17) is seen all the same: the network accepts a client at once, but
the client hears nothing until the server has. A server that refuses connections seems to reset them. And a bug that is
a race shows itself as often as the weather brings it about: while words are collected, a reset overtakes what others
say, so a server that stumbles over a reset in the middle of a delivery (`reset-ends-the-speaker`) may pass.

Under `split` an utterance is no chunk any more, so the scenarios' expectations do not hold; and what the network
resets, ends, drops, doubles or swaps looks like the server's doing. `Through` knows it from `journal.py`; who is given
the address of a proxy alone cannot. Nor can one who has the address alone wait for the words of a client that is gone:
where they are carried slowly (`--rate`), they may be delivered in the next scenario, and look like nobody's.
"""

from socketserver_faults.network.conditions import CALM, HELD, BadWeather, Weather
from socketserver_faults.network.journal import Deed
from socketserver_faults.network.proxy import Proxy
from socketserver_faults.network.relay import CannotCarry
from socketserver_faults.network.target import Through

__all__ = ["CALM", "HELD", "BadWeather", "CannotCarry", "Deed", "Proxy", "Through", "Weather"]
