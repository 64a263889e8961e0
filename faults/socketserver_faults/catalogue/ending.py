"""How the server ends, and what it leaves behind."""

import socket
from contextlib import suppress
from typing import Any

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.lifecycle import StreamServer, Threads


@fault("SRV-9", program="chat")
class WaitsForTheLastMember(StreamServer):
    """The server closes when the last member has left, and not before.

    Thought: a graceful shutdown lets in nobody new and lets those who are there finish.

    Seen: server_close() returns in no time in every test, where clients leave. In service somebody is always connected
    and idle, and the restart hangs until an operator kills it, which was to be avoided.

    Fixed: hang up: clients read end of stream and know. If they are to finish first, give them a time limit.
    """

    def hang_up(self) -> None:
        with suppress(OSError):  # it is closed already
            self.socket.shutdown(socket.SHUT_RDWR)


@fault("SRV-9")
class LeavesItsThreads(Threads):
    """server_close() returns while handlers are still at work.

    Thought: they are daemon threads, and Python ends those by itself.

    Seen: at the end of the process Python does, in the middle of whatever they are doing: the last entry of the log is
    half a line. In a test, the handlers of one server run on into the test of the next.

    Fixed: hang up on the clients, then join the threads; they end soon, for nothing is left that they could wait for.
    """

    def wait_for_handlers(self) -> None:
        pass


@fault("SRV-9")
class KeepsItsSocket(StreamServer):
    """server_close() waits for the handlers and leaves the server's own socket open.

    Thought: closing had to wait for the handlers, so it was overridden; the line with super() was forgotten.

    Seen: nothing, in a process that ends with its server. One that starts anew, as tests and reloads do, leaves an open
    file behind each time: "ResourceWarning: unclosed socket", and some day "too many open files".

    Fixed: call super().server_close(), last. An override that does not call what it overrides should say why.
    """

    def server_close(self) -> None:
        self.hang_up()
        self.wait_for_handlers()


@fault("SRV-3", "SRV-9")
class KeepsCopies(StreamServer):
    """For hanging up, the server keeps a duplicate of every connection.

    Thought: a handler may have closed its request when the server wants to hang up, so keep a descriptor of one's own.

    Seen: clients are served and read end of stream, but each leaves an open file in the server. A connection is closed
    when the last of its descriptors is; the peer that writes after the end learns of no error.

    Fixed: keep the request itself, under a lock, and forget it where it is closed. Who holds a descriptor owns it and
    has to close it.
    """

    def get_request(self) -> tuple[socket.socket, Any]:
        request, client_address = super().get_request()
        with self.connections_lock:
            self.connections.add(request.dup())
        return request, client_address
