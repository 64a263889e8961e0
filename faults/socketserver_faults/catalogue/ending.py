"""How the server ends, and what it leaves behind."""

import socket
import socketserver
from contextlib import suppress
from typing import Any

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.lifecycle import StreamServer, Threads


@fault("SRV-11")
class WaitsInShutdown(Threads):
    """shutdown() returns when the handlers have ended, too.

    Thought: whoever shuts a server down wants all of it to have ended.

    Seen: an administrator says "shutdown", and the handler that reads that calls shutdown(), which waits for that same
    handler, for ever. `socketserver` documents the same trap for shutdown() in the loop, and so in any handler of a
    synchronous server.

    Fixed: shutdown() waits for the loop alone; server_close() waits for the handlers, and no handler calls that.
    """

    def shutdown(self) -> None:
        super().shutdown()
        self.wait_for_handlers()


@fault("SRV-9")
class RemembersWhatItAccepted(StreamServer):
    """The server keeps its connections as accept() returned them, and ends these when it is closed.

    Thought: what accept() returned is the connection.

    Seen: somebody overrides get_request() to wrap it in TLS. The socket within is an empty shell then: to end it does
    nothing, the handlers wait on, and server_close() waits for them.

    Fixed: remember what get_request() returned, which is what the handlers use.
    """

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return socketserver.TCPServer.verify_request(self, request, client_address)


@fault("SRV-9", program="chat")
class WaitsForTheLastMember(StreamServer):
    """The server closes only when the last member has left.

    Thought: a graceful shutdown admits no new clients and lets the members finish.

    Seen: in every test the clients leave, and server_close() returns at once. In service one client is always connected
    and idle, so the restart hangs until an operator kills the server, which was to be avoided.

    Fixed: hang up: clients read end of stream and know. If they are to finish first, set a time limit.
    """

    def hang_up(self) -> None:
        with suppress(OSError):  # it is closed already
            self.socket.shutdown(socket.SHUT_RDWR)


@fault("SRV-9")
class LeavesItsThreads(Threads):
    """server_close() returns while handlers are still running.

    Thought: they are daemon threads, and Python ends those by itself.

    Seen: Python does so at the end of the process, in the middle of whatever they are doing: the last log entry is half
    a line. In tests, the handlers of one server run on into the next test.

    Fixed: hang up on the clients, then join the threads. They end soon, because nothing is left that they could wait
    for.
    """

    def wait_for_handlers(self) -> None:
        pass


@fault("SRV-9")
class KeepsItsSocket(StreamServer):
    """server_close() waits for the handlers but leaves the server's own socket open.

    Thought: closing had to wait for the handlers, so the method was overridden; the line with super() was forgotten.

    Seen: nothing, in a process that ends with its server. A process that starts servers again, as tests and reloads do,
    keeps an open file each time: "ResourceWarning: unclosed socket", and some day "too many open files".

    Fixed: call super().server_close() last. An override that does not call what it overrides should say why.
    """

    def server_close(self) -> None:
        self.hang_up()
        self.wait_for_handlers()


@fault("ECHO-9", "SRV-3", "SRV-9")
class KeepsCopies(StreamServer):
    """The server keeps a duplicate descriptor of every connection, to hang up later.

    Thought: a handler may have closed its request when the server wants to hang up, so keep another descriptor.

    Seen: clients are served and read end of stream, but each leaves an open file in the server. A connection closes
    with its last descriptor, so a peer that writes after the end gets no error.

    Fixed: keep the request itself, under a lock, and forget it where it is closed. Code that holds a descriptor owns
    it and has to close it.
    """

    def get_request(self) -> tuple[socket.socket, Any]:
        request, client_address = super().get_request()
        with self.connections_lock:
            self.connections.add(request.dup())
        return request, client_address
