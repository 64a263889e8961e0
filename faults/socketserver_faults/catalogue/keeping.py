"""What a server keeps of clients that have left: it serves well for days, and then no more."""

import os
import queue
import threading
from typing import Any

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.chat import ChatHandler
from socketserver_reference.echo import EchoHandler
from socketserver_reference.lifecycle import Children, StreamServer, Threads


@fault("CHAT-18", own_process=True)
class LeavesItsWriter(ChatHandler):
    """Each member has a second thread that waits for something to write, and nothing ends it.

    Thought: a thread that writes keeps slow members from delaying the others, and it is a daemon.

    Seen: everybody is served, and every client that ever came costs a thread. After some thousands the system starts no
    more: "can't start new thread". A daemon thread ends with the process, not with the client.

    Fixed: put an end mark into the queue when the client has left, and join the thread.
    """

    def handle(self) -> None:
        threading.Thread(target=queue.Queue[bytes]().get, daemon=True).start()
        super().handle()


@fault("CHAT-18")
class LeavesMembersToDeliveries(ChatHandler):
    """Nobody removes a member that has left but the next delivery, which fails on its closed socket.

    Thought: a delivery removes whoever it cannot reach, so a client that leaves needs nothing else.

    Seen: nothing is wrong with any conversation. But whom a delivery gives up is remembered until its handler has
    ended, which it has; and in a room where nobody speaks, the members themselves pile up.

    Fixed: remove the member in finish(): what the handler has added, it removes.
    """

    def finish(self) -> None:
        pass


@fault("ECHO-9", own_process=True)
class RemembersWhoAsked(EchoHandler):
    """The server keeps what it has allocated for each client, for statistics that nobody asks for.

    Thought: a dictionary by address has one entry for each client, and there are not so many clients.

    Seen: memory grows by a buffer for each connection, for a client has a new port each time. Weeks later the system
    kills the process, at a moment that has nothing to do with the cause.

    Fixed: remove the entry where the connection ends, or keep a number instead of an object.
    """

    def receive(self) -> bytes:
        kept = self.server.__dict__.setdefault("clients", {})
        kept[self.client_address] = bytearray(b"\0" * 16384)
        return super().receive()


@fault("ECHO-9")
class RemembersEveryThread(Threads):
    """The server joins each thread that has ended, and keeps it in its set of handlers.

    Thought: a thread that has been joined costs nothing any more.

    Seen: no thread too many, no descriptor; and memory that grows for months. A Thread is an object like any other,
    with all that it refers to, until nothing refers to it. To end the server takes longer each day, too: it joins them
    all again.

    Fixed: discard the thread where it is joined.
    """

    def forget(self, thread: threading.Thread | None) -> None:
        if thread is not None:
            thread.join()


@fault("ECHO-9")
class LeavesDescriptors(StreamServer):
    """Each connection opens a log of its own, and a connection that ends closes only its socket.

    Thought: Python closes a file when the last reference is gone.

    Seen: a descriptor is a number, not an object: what os.open() has returned stays open until os.close(). After a
    thousand clients accept() fails, "too many open files", and the server is up and serves nobody.

    Fixed: close it where the connection ends, in a `finally` or by a `with` block.
    """

    def process_request(self, request: Any, client_address: Any) -> None:
        os.open(os.devnull, os.O_WRONLY)
        super().process_request(request, client_address)


@fault("ECHO-9", "SRV-9", "SRV-15", concurrency="forking")
class LeavesItsChildren(Children):
    """The parent does not wait for children that have ended.

    Thought: a child process has ended when its program has.

    Seen: the process list fills with "<defunct>". Each is an entry in the system's table that stays until its parent
    has asked for the exit status; when the table is full, nothing starts on this machine any more. Where a server may
    have so many processes, it serves so many clients, and then none.

    Fixed: wait for children now and then: ForkingMixIn does so between requests.
    """

    def collect_children(self, *, blocking: bool = False) -> None:
        pass
