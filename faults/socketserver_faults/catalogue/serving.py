"""The server itself: when its handlers run, how many at once, and what an error ends."""

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

REAP_SECONDS = 10.0
"""Seconds within which serve_forever() removes an ended child from its set."""

# When handlers run


@fault("SRV-12")
class AsksNobody(StreamServer):
    """The loop hands each request on without a call of verify_request().

    Thought: the loop of `socketserver` does much that this server does not need.

    Seen: months later somebody overrides verify_request(), to refuse an address. Nothing says that it is never called.

    Fixed: leave the loop to `socketserver`, which is meant to be changed by the methods that it documents.
    """

    def _handle_request_noblock(self) -> None:
        with suppress(OSError):  # the client has gone already
            self.process_request(*self.get_request())


@fault("SRV-2")
class SkipsFinish(StreamServer):
    """When handle raises an exception, finish does not run.

    Thought: a constructor that does all the work is odd, so make the handler first and run its three methods after it.

    Seen: nothing, as long as no handler fails. After that, what setup took and finish should give back is never given
    back: a permit, a lock, a place in the member set.

    Fixed: use `try: handle()`, `finally: finish()`, with setup() before the `try`; or leave all this to
    BaseRequestHandler.
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
    """finish runs twice: handle calls it at its end, and socketserver calls it again.

    Thought: a client that has joined must leave, whatever happens, so call finish in a `finally`.

    Seen: nothing, as long as leaving twice is harmless, as it is with discard(). With remove(), the second time raises;
    a counter of members counts the client twice; members read "anna has left" twice.

    Fixed: do not call setup or finish: socketserver calls each once, and finish even when handle raises.
    """

    def handle(self) -> None:
        try:
            super().handle()
        finally:
            self.finish()


@fault("ECHO-9", "SRV-3", "SRV-9")
class OnlyShutsDown(StreamServer):
    """When a handler ends, its request is shut down but never closed.

    Thought: shutdown() ends the connection, so there is nothing left to close.

    Seen: clients read end of stream and notice nothing. The server keeps an open file for every client that it ever
    had. After some thousands of clients accept() fails, the loop tries again and again, and no client is served.

    Fixed: shut down and close. The first tells the peer, the second gives the descriptor back.
    """

    def shutdown_request(self, request: Any) -> None:
        with suppress(OSError):  # the client is gone
            request.shutdown(socket.SHUT_WR)


@fault("ECHO-3", "ECHO-9", "SRV-3", "SRV-9")
class LeavesClosingToTheClient(StreamServer):
    """When a handler ends, its connection stays open.

    Thought: the side that closes first is left with TIME_WAIT, so let it be the client.

    Seen: most clients close their side. But no thread reads their end of stream any more, so the connections stay in
    CLOSE_WAIT until the process has no descriptor left. A client that waits for end of stream waits for ever.

    Fixed: close the connection when its handler ends. CLOSE_WAIT in netstat always means the same: this program has
    forgotten to call close().
    """

    def shutdown_request(self, request: Any) -> None:
        pass


# How many handlers run at once


@fault("SRV-4", concurrency="threading", promises="sync")
class LocksForItself(Threads):
    """Handlers should run one at a time, but each takes a lock of its own, so they run at once.

    Thought: the handlers were written for a server without threads, so hold a lock while one runs.

    Seen: the code has a `with` and a `Lock`, and the handlers run at once all the same. What they share goes wrong as
    often as before, and the threads get the blame.

    Fixed: make the lock once, where all handlers can see it: on the server. Only threads that take the same lock wait
    for each other.
    """

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with threading.Lock():
            super().process_request_thread(request, client_address)


@fault("ECHO-8", "SRV-4", concurrency="sync")
class TurnsAwayWhoWaits(StreamServer):
    """Only one client can wait while another is served; further clients cannot connect.

    Thought: the server serves one client at a time, so a longer queue has no point.

    Seen: while a client is served, the next one can connect. Those after it get no answer: the kernel drops their
    attempts. They try again after 1, 3 and 7 seconds, so some are served late and some give up.

    Fixed: ask for a backlog that fits the number of clients. To connect is not to be served: a client in the queue is
    served after the one before it.
    """

    def server_activate(self) -> None:
        self.socket.listen(0)


@fault("ECHO-8", "SRV-5")
class ServesInTheLoop(Threads):
    """The server has the mix-in for threads, but its handlers run in the loop.

    Thought: class Server(TCPServer, ThreadingMixIn) names both classes, and the order cannot matter.

    Seen: with one client at a time it works, so every first try succeeds. Then a client connects and says nothing, and
    all others wait for it.

    Fixed: put the mix-in first: class Server(ThreadingMixIn, TCPServer). Python takes the first process_request that
    it finds from left to right. With TCPServer first, that is the one of BaseServer, which calls the handler itself, as
    here.
    """

    def process_request(self, request: Any, client_address: Any) -> None:
        socketserver.BaseServer.process_request(self, request, client_address)


@fault("ECHO-8", "SRV-5")
class JoinsEachThread(Threads):
    """Each handler gets a thread, but the loop waits until that thread has ended.

    Thought: the over-threaded chat teaches that code which starts a thread must join it.

    Seen: a listing of the threads always shows one handler at a time. A silent client stops the server for all others.

    Fixed: join in server_close(), where the end of the threads is needed and nothing else has to go on. A wait in a
    handler delays one client; a wait in the loop delays all of them.
    """

    def process_request(self, request: Any, client_address: Any) -> None:
        super().process_request(request, client_address)
        self.wait_for_handlers()


if sys.platform != "win32":  # pragma: no branch - Windows has no fork
    from socketserver_reference.lifecycle import Children

    @fault("ECHO-8", "SRV-6", concurrency="forking", own_process=True)
    class WaitsForEachChild(Children):
        """The server forks for each client, but waits until that child has ended.

        Thought: a child that its parent does not wait for becomes a zombie, so wait for it.

        Seen: there are no zombies, and no two clients at once. Each client costs a fork(), and a silent client stops
        the server.

        Fixed: now and then collect the children that have ended, without blocking. ForkingMixIn does so in
        service_actions(), which the loop calls.
        """

        def process_request(self, request: Any, client_address: Any) -> None:
            super().process_request(request, client_address)
            self.collect_children(blocking=True)

    @fault("SRV-9", concurrency="forking", own_process=True)
    class LoopsOverItsChildren(Children):
        """To hang up, the server kills its children in a loop over a set that another thread changes.

        Thought: kill one child after the other, each when the one before it is gone.

        Seen: it works with one client. With three, serve_forever() collects the first child in its own thread and
        removes it from the set: "Set changed size during iteration", and shutdown() neither stops nor returns. Without
        the waiting it happens once in some hundred times: the reference of this project had this bug.

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
        """Each member of the chat has its own process, and so its own room.

        Thought: processes use all cores and threads do not; all it takes is a lock that works between processes.

        Seen: each client receives its own words and no others. A handler joins the set of its child process: a copy of
        the server's set, which was empty at the time. The lock is shared; the set that it guards is not.

        Fixed: use threads: a chat does not compute, it waits. Data that processes share has to travel between them,
        through pipes or a broker.
        """

        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(*args, **keywords)
            self.lock: Any = multiprocessing.get_context("fork").Lock()


@fault("CHAT-17", program="chat")
class QueuesOneClient(StreamServer):
    """The backlog is one, so hardly any client can wait to be accepted.

    Thought: the server accepts quickly, so no client has to wait. And the tutorial has listen(1).

    Seen: it works until the network fails for a moment, and all clients connect again in the same second. The kernel
    drops most attempts; clients repeat them after 1, 3 and 7 seconds, and come back a few at a time.

    Fixed: ask for a backlog that fits the number of clients. It costs nothing while it is empty, and the kernel has a
    maximum of its own.
    """

    def server_activate(self) -> None:
        self.socket.listen(1)


# What an error ends


@fault("ECHO-7")
class AsksWhoIsThere(StreamServer):
    """A client that resets before verify_request() looks at its connection ends the server.

    Thought: verify_request() is the place to refuse strangers, and getpeername() says who they are.

    Seen: once in a while serve_forever() ends with "Transport endpoint is not connected". Port scanners cause it, and
    load balancers that only check the port: they connect and reset. A socket without a peer has no address.

    Fixed: use client_address, which accept() has returned, and let nothing raise outside a handler: socketserver
    catches the exceptions of handlers, not those of verify_request().
    """

    def verify_request(self, request: Any, client_address: Any) -> bool:
        time.sleep(0.01)  # as in a busy loop; otherwise the outcome would depend on timing
        host, _port = request.getpeername()
        return super().verify_request(request, client_address) and ipaddress.ip_address(host).is_loopback


@fault("ECHO-8", "SRV-8", concurrency="sync")
class StopsAtTheFirstError(Server):
    """An exception in a handler ends the server.

    Thought: errors should never pass silently, so let them through; socketserver swallows them.

    Seen: one request that the author did not think of stops the service for all clients. A client that knows the
    request can repeat it after each restart.

    Fixed: log the exception with its traceback and go on. That is not silent, and the other clients have done nothing
    wrong.
    """

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature is socketserver's
        raise


@fault("SRV-8", program="chat")
class HangsUpOnEverybody(StreamServer):
    """An exception in one handler ends the connections of all clients.

    Thought: after an error the room may be in any state, so begin again with an empty one.

    Seen: all clients lose their connections at once and connect again at once. The one whose request failed sends it
    again.

    Fixed: end the one connection, and keep shared data consistent at any time: change it under its lock, in steps that
    cannot fail halfway.
    """

    def handle_error(self, request: Any, client_address: Any) -> None:
        super().handle_error(request, client_address)
        with self.connections_lock:
            for connection in self.connections:
                self.end(connection)
