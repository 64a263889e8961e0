"""The servers beside which the reference is measured.

All do the same work: a chat delivers each chunk, after `ack`, to every member, and lets who says `quit` leave; an echo
answers one request of a connection, or each datagram, stripped and upper-cased. Each is written as the documentation of
its library has it, and all listen with the same queue. They log nothing, and survive what clients do here, no more.

`floor` is no server for people, but a bound: one thread, one epoll, one send() a member.

Next: `served.py`. Usage: python servers.py NAME chat|echo tcp|udp|unix PORT|PATH
"""

import asyncio
import contextlib
import select
import socket
import socketserver
import sys
from typing import Any, ClassVar

BACKLOG = 1024
ACK, QUIT = b"ack", b"quit"


def listener(transport: str, where: str) -> socket.socket:
    """Return a socket that is bound, and listens if it takes connections."""
    if transport == "unix":
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(where)
        listening.listen(BACKLOG)
        return listening
    if transport == "udp":
        bound = socket.socket(type=socket.SOCK_DGRAM)
        bound.bind(("127.0.0.1", int(where)))
        return bound
    return socket.create_server(("127.0.0.1", int(where)), backlog=BACKLOG)


def at_once(sock: socket.socket) -> None:
    """Let small deliveries not wait for acknowledgements."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


# asyncio, and uvloop in its place


class Member(asyncio.Protocol):
    """A member of the chat."""

    members: ClassVar[set[asyncio.Transport]] = set()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.members.add(transport)

    def data_received(self, data: bytes) -> None:
        if data.strip() == QUIT:
            self.transport.close()
            return
        for member in list(self.members):
            member.write(ACK + data)

    def connection_lost(self, _: Exception | None) -> None:
        self.members.discard(self.transport)


class Echo(asyncio.Protocol):
    """A connection of the echo."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.strip().upper())
        self.transport.close()


class Datagrams(asyncio.DatagramProtocol):
    """The echo of datagrams."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.transport.sendto(data.strip().upper(), address)


async def protocols(protocol: str, sock: socket.socket) -> None:
    """Serve by protocols and transports."""
    loop = asyncio.get_running_loop()
    if sock.type == socket.SOCK_DGRAM:
        await loop.create_datagram_endpoint(Datagrams, sock=sock)
        await asyncio.Event().wait()
    kind = Member if protocol == "chat" else Echo
    make = loop.create_unix_server if sock.family == socket.AF_UNIX else loop.create_server
    async with await make(kind, sock=sock) as server:
        await server.serve_forever()


def asyncio_protocol(protocol: str, sock: socket.socket) -> None:
    asyncio.run(protocols(protocol, sock))


def uvloop(protocol: str, sock: socket.socket) -> None:
    import uvloop

    uvloop.run(protocols(protocol, sock))


def asyncio_streams(_: str, sock: socket.socket) -> None:
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while (data := await reader.read(1024)) and data.strip() != QUIT:
                for other in list(writers):
                    other.write(ACK + data)
                    await other.drain()
        except ConnectionError:
            pass
        finally:
            writers.discard(writer)
            writer.close()

    async def main() -> None:
        async with await asyncio.start_server(serve, sock=sock) as server:
            await server.serve_forever()

    asyncio.run(main())


# Other libraries


def trio(_: str, sock: socket.socket) -> None:
    import trio

    streams: set[trio.SocketStream] = set()

    async def serve(stream: trio.SocketStream) -> None:
        streams.add(stream)
        try:
            while (data := await stream.receive_some(1024)) and data.strip() != QUIT:
                for other in list(streams):
                    await other.send_all(ACK + data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            streams.discard(stream)
            await stream.aclose()

    trio.run(trio.serve_listeners, serve, [trio.SocketListener(trio.socket.from_stdlib_socket(sock))])


def twisted(_: str, sock: socket.socket) -> None:
    from twisted.internet import epollreactor

    epollreactor.install()
    from twisted.internet import protocol, reactor

    members: set[Any] = set()

    class Chat(protocol.Protocol):
        def connectionMade(self) -> None:  # noqa: N802 - the library's name
            self.transport.setTcpNoDelay(True)
            members.add(self.transport)

        def dataReceived(self, data: bytes) -> None:  # noqa: N802 - the library's name
            if data.strip() == QUIT:
                self.transport.loseConnection()
                return
            for member in list(members):
                member.write(ACK + data)

        def connectionLost(self, reason: Any) -> None:  # noqa: ARG002, N802 - the library's name
            members.discard(self.transport)

    ends: Any = reactor
    sock.setblocking(False)
    ends.adoptStreamPort(sock.fileno(), socket.AF_INET, protocol.Factory.forProtocol(Chat))
    ends.run()


def note(_: str, sock: socket.socket) -> None:
    from socketserver_faults.tutorial import ChatHandler

    class Listening(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def __init__(self) -> None:
            super().__init__(sock.getsockname(), ChatHandler, bind_and_activate=False)
            self.socket.close()
            self.socket = sock  # its own has room for five clients that connect at once

    Listening().serve_forever()


def floor(_: str, sock: socket.socket) -> None:
    ready, members = select.epoll(), {}
    ready.register(sock, select.EPOLLIN)
    while True:
        for number, _events in ready.poll():
            if number == sock.fileno():
                member, _address = sock.accept()
                at_once(member)
                members[member.fileno()] = member
                ready.register(member, select.EPOLLIN)
                continue
            data = b""
            with contextlib.suppress(ConnectionError):
                data = members[number].recv(1024)
            if data in (b"", QUIT):
                ready.unregister(number)
                members.pop(number).close()
                continue
            delivery = ACK + data
            for member in members.values():
                member.send(delivery, socket.MSG_DONTWAIT)


NAMES = {
    "asyncio-streams": asyncio_streams,
    "asyncio-protocol": asyncio_protocol,
    "uvloop": uvloop,
    "trio": trio,
    "twisted": twisted,
    "note": note,
    "floor": floor,
}

if __name__ == "__main__":
    name, protocol, transport, where = sys.argv[1:]
    NAMES[name](protocol, listener(transport, where))
