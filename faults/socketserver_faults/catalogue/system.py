"""How a server waits, and what it does when the system refuses it something: a descriptor or a thread for the next
client, or its port.
"""

import socket
import threading
from typing import Any

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.lifecycle import SocketFile, StreamServer, Threads


@fault("ECHO-10", own_process=True)
class RetriesAtOnce(StreamServer):
    """When accept() fails for want of a descriptor, the loop calls it again at once.

    Thought: an error of accept() is the client's, who has gone again; `socketserver` ignores it, too.

    Seen: the client still waits, so the next accept() fails in the same way, some ten thousand times a second. All
    members are served, a little late; the machine gets hot, and the log fills the disk.

    Fixed: wait until a connection ends, or some time, before the next accept().
    """

    def wait_until_freed(self, error: Exception) -> None:
        pass


@fault("CHAT-19", program="chat", own_process=True)
class EndsWithoutDescriptors(StreamServer):
    """When accept() fails for want of a descriptor, the server ends.

    Thought: an error of accept() means that the listening socket is broken, and the server will be started again.

    Seen: one client too many, and everybody is thrown out. A person with a thousand connections ends the room whenever
    they like.

    Fixed: an error of accept() concerns one client. Leave it in the queue, and serve those who are there.
    """

    def wait_until_freed(self, error: Exception) -> None:  # noqa: ARG002 - the signature is the reference's
        self.stop()


@fault("ECHO-11", own_process=True)
class LeavesItsPortTaken(StreamServer):
    """The server listens without SO_REUSEADDR, as `socketserver` does unless told otherwise.

    Thought: a port is free when the process that had it has ended.

    Seen: the server is updated while a client is connected, and does not start: "Address already in use", for a minute.
    Whoever tries it out has no clients, and never sees that.

    Fixed: `allow_reuse_address = True`. No second server can listen at the port of a living one all the same.
    """

    def server_bind(self) -> None:
        self.allow_reuse_address = False
        super().server_bind()


@fault("CHAT-20", program="chat", own_process=True)
class TriesItsPortFirst(StreamServer):
    """Before it listens, the server binds another socket to its port, to see whether that is free.

    Thought: with SO_REUSEADDR, a server might listen where another one does already.

    Seen: the other socket does not set the option, so what is left of connections that have ended counts as another
    server: "Address already in use", for a minute after each restart.

    Fixed: bind and listen. If another server listens there, the system refuses that, whatever the option.
    """

    def server_bind(self) -> None:
        with socket.socket(self.address_family) as trying:
            trying.bind(self.server_address)
        super().server_bind()


@fault("CHAT-22", program="chat", own_process=True)
class LooksAllTheTime(StreamServer):
    """The loop looks for new clients without waiting for one.

    Thought: the shorter the poll interval, the sooner a client is accepted; with 0 it is accepted at once.

    Seen: a room in which nobody says anything uses a whole processor, day and night. On a small machine everything else
    gets slow, and the bill of a large one grows.

    Fixed: select() returns as soon as a client comes, however long it would wait. The interval is
    about shutdown() alone.
    """

    def serve_forever(self, poll_interval: float = 0.0) -> None:  # noqa: ARG002 - the signature is socketserver's
        super().serve_forever(0.0)


@fault("SRV-15")
class TurnsAwayWithoutAThread(Threads):
    """A client for which no thread can be started is turned away.

    Thought: what cannot be served now cannot be served.

    Seen: at the limit of the system, or of the container, clients lose their connection straight after connecting, and
    those that try again at once make it worse. A moment later somebody leaves, and there would have been a thread.

    Fixed: let the client wait in the queue: start its thread when one has ended, and accept nobody meanwhile.
    """

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        thread.start()
        self.handlers.add(thread)


@fault("SRV-13")
class ClosesOnlyWhatServed(StreamServer):
    """server_close() does nothing if the server has not been shut down.

    Thought: what was never served has nothing to close.

    Seen: `socketserver` calls server_close() when it cannot bind. A program that tries one port after another, or the
    same one until it is free, keeps a socket of each attempt.

    Fixed: close the socket, whatever has happened before.
    """

    def server_close(self) -> None:
        if self.stopping:
            super().server_close()


@fault("SRV-13", transport="unix")
class RemovesTheFileOfAnother(SocketFile):
    """The server notes its socket file, to remove it at the end, before it binds.

    Thought: bind() makes the file, and if it fails, there is none.

    Seen: somebody starts the server twice. The second start fails, "Address already in use", and removes the file of
    the first: that one still runs, and no client finds it any more.

    Fixed: note the file when bind() has returned.
    """

    def server_bind(self) -> None:
        self.path = str(self.server_address)
        super().server_bind()
