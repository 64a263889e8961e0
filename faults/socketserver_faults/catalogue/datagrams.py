"""The echo over datagrams: no connections, no order and no leaving, though many programs expect them."""

import contextlib
import socket
from typing import Any

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.echo import NOWAIT, DatagramEchoHandler
from socketserver_reference.lifecycle import DatagramServer


@fault("UDP-1")
class RepliesTwice(DatagramEchoHandler):
    """Every reply is sent twice.

    Thought: datagrams get lost, and two are less likely to than one.

    Seen: a client that sends one request after the other reads the first reply again as its second, and is one reply
    behind from then on. On a busy network, twice the datagrams make it busier.

    Fixed: send one. Only the client knows whether a reply has come, so only the client can ask again; replies that may
    come twice carry the number of their request.
    """

    def deliver(self, reply: bytes) -> None:
        for _ in range(2):
            super().deliver(reply)


@fault("UDP-1")
class RepliesLineByLine(DatagramEchoHandler):
    """A request of several lines gets several replies.

    Thought: the client reads lines, so send it lines.

    Seen: one line in, one line out: it works until a client sends two. Then it reads the reply to the second line as
    the reply to the next request; and datagrams may arrive in another order than they were sent.

    Fixed: send one reply in one datagram. A datagram is not a stream: its borders are kept, and mean something.
    """

    def deliver(self, reply: bytes) -> None:
        for line in reply.split(b"\n"):
            super().deliver(line)


@fault("UDP-1")
class DropsWhatComesMeanwhile(DatagramEchoHandler):
    """After each reply, the server discards all datagrams that have come meanwhile.

    Thought: a program that sends without end must not keep the server busy, and what it sent meanwhile is old
    anyway.

    Seen: one client is served well. Of several that ask at once, one gets a reply, and the others ask in vain. A test
    with one terminal never shows it.

    Fixed: read one datagram for each reply. All clients share one socket, so what waits there is from other clients.
    """

    def deliver(self, reply: bytes) -> None:
        super().deliver(reply)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.request[1].recv(1, NOWAIT)


@fault("UDP-2")
class RepliesFromAnotherPort(DatagramEchoHandler):
    """Replies come from another port than the one to which the requests were sent.

    Thought: use a new socket for each reply, so that handlers in several threads need not share the server's.

    Seen: a client that has called connect() on its socket never reads a reply: the kernel drops what comes from another
    address, and answers it with an ICMP error. Firewalls and address translation drop it on the way.

    Fixed: reply through the server's own socket, request[1]. Sending a datagram is one step, so threads may share it.
    """

    def deliver(self, reply: bytes) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as own:
            own.sendto(reply, self.client_address)


@fault("UDP-3")
class IgnoresEmptyDatagrams(DatagramEchoHandler):
    """An empty datagram gets no reply.

    Thought: b"" means that the client has gone, as it does on every connection.

    Seen: a client that sends an empty datagram, the smallest test of whether the server is there, waits in vain.

    Fixed: treat it as any other. Only streams end; a datagram of no bytes is a request, and no client has gone.
    """

    def handle(self) -> None:
        request = self.receive()
        if not request:
            return
        self.deliver(self.decide(request))


@fault("UDP-4")
class DropsLongDatagrams(DatagramEchoHandler):
    """Datagrams of more than 1472 bytes get no reply.

    Thought: 1472 bytes are what fits into an Ethernet frame; anything longer is a mistake, or an attack.

    Seen: short requests get a reply and long ones none, without an error, just as on a network that loses datagrams. So
    people search there.

    Fixed: answer up to the limit that the protocol names. A datagram longer than a frame is no mistake: IP cuts it
    into pieces and puts them together again.
    """

    def handle(self) -> None:
        if len(self.receive()) <= 1472:
            super().handle()


@fault("UDP-4")
class CutsAtAPage(DatagramEchoHandler):
    """Only the first 4096 bytes of a datagram are answered.

    Thought: one page of memory is the size of a buffer; every program has 4096.

    Seen: a reply that is cut looks like a reply. A client that sends 5000 bytes and compares no lengths believes that
    it has the answer to all of them.

    Fixed: take all that the server has received. One place says how long a datagram may be: the server's
    max_packet_size.
    """

    def receive(self) -> bytes:
        return super().receive()[:4096]


@fault("UDP-4", transport="udp")
class TakesDatagramsWhole(DatagramServer):
    """Datagrams of more than 8192 bytes are answered whole, although the limit is 8192 bytes.

    Thought: a datagram has at most 65507 bytes, so a buffer of 64 KiB never cuts one.

    Seen: requests of 20000 bytes are answered in full, on this server. Clients that rely on it get a part from the next
    server, without an error.

    Fixed: ask for max_packet_size bytes, the longest request; the kernel drops the rest.
    """

    def get_request(self) -> Any:
        request, client_address = self.socket.recvfrom(65536)
        return (request, self.socket), client_address


@fault("UDP-5", transport="unix-datagram", concurrency="sync")
class WaitsForRoom(DatagramEchoHandler):
    """Over a Unix socket, the server waits until a client has room for its reply.

    Thought: sendto() never waits: a datagram arrives or is lost.

    Seen: over UDP that is so. On a Unix socket the system loses none: it holds a few for a client, and then the server
    waits until that client reads. One client that asks and never reads stops the service for all others.

    Fixed: send without waiting (MSG_DONTWAIT), and let the reply of such a client be lost.
    """

    def deliver(self, reply: bytes) -> None:
        with contextlib.suppress(OSError):  # the client has gone
            self.request[1].sendto(reply, self.client_address)


@fault("UDP-5", transport="unix-datagram")
class SendsFromASmallBuffer(DatagramServer):
    """The one socket that sends all replies has a send buffer of 64 KiB.

    Thought: a reply is gone when it is sent, so room for eight of the longest is plenty.

    Seen: on a Unix socket a reply counts in the sender's buffer until its client reads it. A dozen clients
    that ask and do not read fill it, and then no client gets a reply.

    Fixed: ask for a large one. It is not without end either: net.core.wmem_max bounds it.
    """

    def server_bind(self) -> None:
        super().server_bind()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)


@fault("SRV-16", transport="udp")
class AnswersItself(DatagramServer):
    """A datagram that bears the server's own address for its source is served like any other.

    Thought: a datagram comes from a client, and the server is none.

    Seen: somebody forges one, and the server answers itself, answers that answer, and so on, until it is ended.

    Fixed: compare the source with the own address, and with all addresses of the machine if the server listens at each
    (0.0.0.0).
    """

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - the signature is socketserver's
        return True


@fault("UDP-5")
class NeverForgets(DatagramEchoHandler):
    """The server counts the clients that come, not those that go; beyond twelve it replies to none.

    Thought: a server should know its clients and protect itself: with more than twelve it is overloaded, so drop what
    comes in.

    Seen: it runs well on the first day. A program that starts again has another port, so it is another client. Beyond
    twelve, the server replies to no client any more, and is idle.

    Fixed: keep no list. The client of a datagram cannot hang up, so data about it needs an expiry time.
    """

    def handle(self) -> None:
        clients = self.server.__dict__.setdefault("clients", set())
        clients.add(self.client_address)
        if len(clients) <= 12:
            super().handle()
