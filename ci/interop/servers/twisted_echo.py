"""Twisted's echo, TCP and UDP, on one port: python twisted_echo.py PORT. The TCP one comes with Twisted."""

import sys

from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol, Factory
from twisted.protocols.wire import Echo


class EchoUDP(DatagramProtocol):
    """The echo of Twisted's documentation ("UDP networking")."""

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:  # noqa: N802  # Twisted's name
        self.transport.write(datagram, addr)


def main() -> None:
    port = int(sys.argv[1])
    reactor.listenUDP(port, EchoUDP(), interface="127.0.0.1")
    reactor.listenTCP(port, Factory.forProtocol(Echo), interface="127.0.0.1")
    reactor.run()


main()
