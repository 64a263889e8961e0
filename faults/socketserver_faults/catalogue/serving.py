"""The server itself: what it tells its handlers, how many it runs at once, and how it fails."""

import ipaddress
import multiprocessing
import os
import signal
import socket
import socketserver
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.chat import ChatHandler, Room
from socketserver_reference.lifecycle import Server, StreamServer, Threads

REAP_SECONDS = 2.0
"""Seconds in which serve_forever() will have taken an ended child out of its set."""

# What handlers are told, and when they run


@fault("SRV-1")
class ForgetsThePort(StreamServer):
    """Handlers are told their client's host and not its port.

    Thought: the port is a random number that nobody wants to see in a log.

    Seen: two clients of one machine, or of one office behind one router, are the same client to everything that is kept
    by client_address: limits, sessions, logs. And client_address[0], as every tutorial has it, is now "1".

    Fixed: hand on what accept() returned; let whoever prints an address choose what to print.
    """

    def finish_request(self, request: Any, client_address: Any) -> None:
        host, _port = client_address
        super().finish_request(request, host)


@fault("SRV-2")
class SkipsFinish(StreamServer):
    """When handle raises, finish does not run.

    Thought: a constructor that does all the work is odd, so make the handler first and run its three methods after it.

    Seen: for as long as no handler fails, nothing. Then whatever setup took and finish would have given back is never
    given back: a seat, a lock, a place in the member set.

    Fixed: try: handle(), finally: finish(), with setup() before the try; or leave all this to BaseRequestHandler.
    """

    def finish_request(self, request: Any, client_address: Any) -> None:
        handler_class: Any = self.RequestHandlerClass
        handler = handler_class.__new__(handler_class)
        handler.request, handler.client_address, handler.server = request, client_address, self
        handler.setup()
        handler.handle()
        handler.finish()


@fault("SRV-2")
class FinishesTwice(ChatHandler):
    """finish runs twice: handle calls it at its end, and socketserver does so again.

    Thought: whoever has joined must leave, whatever happens, so put it into a finally.

    Seen: nothing, as long as leaving twice is harmless, which discard() sees to. With remove(), a counter of members or
    a notice "anna has left", the second time raises, counts her twice, or tells the room so.

    Fixed: do not call setup or finish: socketserver calls each once, and finish even when handle raises.
    """

    def handle(self) -> None:
        try:
            super().handle()
        finally:
            self.finish()


@fault("SRV-3", "SRV-9")
class OnlyShutsDown(StreamServer):
    """Requests are shut down when their handler ends, and never closed.

    Thought: shutdown() ends the connection, so there is nothing left to close.

    Seen: clients read end of stream and notice nothing. The server has one open file more for every client there ever
    was; at some thousand of them accept() fails, the loop tries again and again, and nobody is served.

    Fixed: shut down and close. The one tells the peer, the other gives the descriptor back.
    """

    def shutdown_request(self, request: Any) -> None:
        with suppress(OSError):  # the client is gone
            request.shutdown(socket.SHUT_WR)


@fault("ECHO-3", "SRV-3", "SRV-9")
class LeavesClosingToTheClient(StreamServer):
    """Connections stay open when their handler has ended.

    Thought: the side that closes first is left with TIME_WAIT, so let it be the client.

    Seen: polite clients hang up, and most are polite. But nobody listens to the hanging up any more, so the connections
    gather in CLOSE_WAIT until the process has no descriptor left. A client that waits for end of stream waits for ever.

    Fixed: close what a handler has done with. CLOSE_WAIT in netstat always means the same: this program has forgotten
    to call close().
    """

    def shutdown_request(self, request: Any) -> None:
        pass


# How many run at once


@fault("SRV-4", concurrency="threading", promises="sync")
class LocksForItself(Threads):
    """Handlers are to run one at a time, but each brings a lock of its own.

    Thought: the handlers were written for a server without threads, so hold a lock while one runs.

    Seen: the word `with` is there, the word `Lock` is there, and the handlers run at once all the same. What they share
    goes wrong just as often as before, which is blamed on the threads.

    Fixed: make the lock once, where all can see it: on the server. Only threads that take the same lock wait for each
    other.
    """

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with threading.Lock():
            super().process_request_thread(request, client_address)


@fault("SRV-4", concurrency="sync")
class TurnsAwayWhoWaits(StreamServer):
    """One client may wait while another is served; further ones cannot connect.

    Thought: the server can serve only one at a time, so there is no point in queueing more.

    Seen: while a client is served the next can connect, and those after it get no answer at all: the kernel drops their
    attempts. They try again after 1, 3 and 7 seconds, so some are served late and some give up.

    Fixed: ask for a backlog that fits the crowd. Connecting is not being served: who waits in the queue is served when
    the one before has done.
    """

    def server_activate(self) -> None:
        self.socket.listen(0)


@fault("SRV-5")
class ServesInTheLoop(Threads):
    """The mix-in for threads is there, and the handlers run in the loop all the same.

    Thought: class Server(TCPServer, ThreadingMixIn) names both classes, and the order cannot matter.

    Seen: with one client at a time it works, so every first try succeeds. Then somebody connects and says nothing, and
    everybody else waits for that one.

    Fixed: the mix-in comes first: class Server(ThreadingMixIn, TCPServer). Python takes the first process_request it
    finds from left to right, and behind TCPServer that is BaseServer's, which calls the handler itself: as here.
    """

    def process_request(self, request: Any, client_address: Any) -> None:
        socketserver.BaseServer.process_request(self, request, client_address)


@fault("SRV-5")
class JoinsEachThread(Threads):
    """Each handler gets a thread, and the loop waits until it has ended.

    Thought: the over-threaded chat has taught that whoever starts a thread must join it.

    Seen: there are threads in every listing, one at a time. A silent client stops the server for all others.

    Fixed: join where the end of the thread is needed, and nothing else has to go on meanwhile: in server_close(). In
    a handler of its own, waiting holds up one client; in the loop it holds up all of them.
    """

    def process_request(self, request: Any, client_address: Any) -> None:
        super().process_request(request, client_address)
        self.wait_for_handlers()


if sys.platform != "win32":  # pragma: no branch - Windows has no fork
    from socketserver_reference.lifecycle import Children

    @fault("SRV-6", concurrency="forking", own_process=True)
    class WaitsForEachChild(Children):
        """The server forks for each client and waits until the child has ended.

        Thought: a child that nobody waits for becomes a zombie, so wait for it.

        Seen: no zombies, and no two clients at once: one child is served after the other, and each costs a fork(). A
        silent client stops the server.

        Fixed: now and then collect the children that have ended, without blocking. The loop does so in
        service_actions(), as it comes with ForkingMixIn.
        """

        def process_request(self, request: Any, client_address: Any) -> None:
            super().process_request(request, client_address)
            self.collect_children(blocking=True)

    @fault("SRV-9", concurrency="forking", own_process=True)
    class LoopsOverItsChildren(Children):
        """To hang up, the server ends its children in a loop over the very set that it keeps them in.

        Thought: end one child after the other, each when the one before it is gone.

        Seen: with one client all is well. With three, serve_forever() collects the first child in its own thread, which
        takes it out of the set: "Set changed size during iteration", and shutdown() neither stops nor returns. Without
        the waiting it happens once in 400 times, measured on this project's own reference, which had this bug.

        Fixed: loop over a copy of what another thread may change; copying a set is one step for the other threads.
        """

        def hang_up(self) -> None:
            children = self.active_children or set()
            before = 0
            for child in children:
                until = time.monotonic() + REAP_SECONDS
                while before in children and time.monotonic() < until:
                    time.sleep(0.001)
                os.kill(child, signal.SIGKILL)
                before = child
            super().hang_up()

    @fault("CHAT-2", "SRV-7", concurrency="forking", own_process=True)
    class ForksTheRoom(Room):
        """Every member of the chat has a process, and so a room, of its own.

        Thought: processes use all the cores and threads do not; all it takes is a lock that works between processes.

        Seen: everybody reads their own words and nobody else's. The set that a handler joins is its child's copy of the
        server's, which was empty when it was copied: the lock is shared, and what it guards is not.

        Fixed: use threads: a chat does not compute, it waits. What processes are to share has to travel between them,
        through pipes or a broker.
        """

        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(*args, **keywords)
            self.lock: Any = multiprocessing.get_context("fork").Lock()


@fault("CHAT-17", program="chat")
class QueuesOneClient(StreamServer):
    """The backlog is one, so hardly anybody can wait to be accepted.

    Thought: accepting is quick, so who would have to wait? And the tutorial has listen(1).

    Seen: all is well until the network hiccups, and everybody's client connects again in the same second. The kernel
    drops most of the attempts; they are repeated after 1, 3 and 7 seconds, and the chat comes back a few at a time.

    Fixed: a backlog that fits the crowd. It costs nothing while it is empty, and the kernel has a maximum of its own.
    """

    def server_activate(self) -> None:
        self.socket.listen(1)


# How it fails


@fault("ECHO-7")
class AsksWhoIsThere(StreamServer):
    """A client that resets before the server has looked at it ends the server.

    Thought: verify_request() is the place to turn strangers away, and getpeername() says who it is.

    Seen: once in a while serve_forever() ends with "Transport endpoint is not connected". Port scanners do it, and load
    balancers that only look whether somebody listens: they connect and reset. A socket without a peer has no name.

    Fixed: use client_address, which accept() has returned, and let nothing raise outside a handler: socketserver
    guards itself against exceptions of handlers, not against those of verify_request().
    """

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - the signature is socketserver's
        time.sleep(0.01)  # as in a loop that is busy; otherwise it would depend on who is faster
        host, _port = request.getpeername()
        return ipaddress.ip_address(host).is_loopback


@fault("SRV-8", concurrency="sync")
class StopsAtTheFirstError(Server):
    """An exception in a handler ends the server.

    Thought: errors should never pass silently, so let them through; socketserver swallows them.

    Seen: a single request that the author did not think of, and the service is down for all. Whoever knows the request
    can do it again after each restart.

    Fixed: log the exception with its traceback and go on. That is not silent, and the other clients have done nothing
    wrong.
    """

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature is socketserver's
        raise


@fault("SRV-8", program="chat")
class HangsUpOnEverybody(StreamServer):
    """An exception in one handler ends the connections of all clients.

    Thought: after an error nobody knows what state the room is in, so begin again with an empty one.

    Seen: everybody is thrown out at once, connects again at once, and the one whose request failed does it again.

    Fixed: end the one connection, and keep what is shared in order at any time: change it under its lock, in steps
    that cannot fail halfway.
    """

    def handle_error(self, request: Any, client_address: Any) -> None:
        super().handle_error(request, client_address)
        with self.connections_lock:
            for connection in self.connections:
                self.end(connection)
