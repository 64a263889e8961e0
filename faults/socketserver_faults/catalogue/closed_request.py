"""The closed-request bug: a request is closed while a thread still uses it.

The thread fails with EBADF, on Windows with "an operation was attempted on something that is not a socket"; or the
server accepts all that a client says and never answers; or nothing shows. `socketserver-faults demo closed-request`
plays all of it.

How it comes about
------------------

`socketserver` calls a handler class like a function: the whole conversation takes place in its constructor, and then
the request is closed::

    process_request(request, client_address)            with ThreadingMixIn, all below in a thread of its own
        finish_request(request, client_address)
            RequestHandlerClass(request, client_address, server)
                __init__()
                    setup()
                    handle()
                    finish()                            even if handle() raises
        shutdown_request(request)                       even if any of them raises
            request.shutdown(SHUT_WR)
            close_request(request)
                request.close()

By returning, handle() says that no thread needs the request any more. This one says so too early, because it has just
started a thread that does::

    def handle(self):
        threading.Thread(target=self.talk).start()      # and talk() uses self.request

It looks safe, because the thread keeps `self`, and so the socket object, alive. But the request is not closed because
its last reference is gone; it is closed by a call. ThreadingMixIn also starts a thread and returns, and does no harm:
it gives that thread the request and the duty to close it.

What the worker sees
--------------------

Four things are called "the socket", and each holds the next::

    socket object  -->  descriptor, a number  -->  open file, in the kernel  -->  connection

close() sets the descriptor of the object to -1 and frees the number. The open file stays while a system call uses it,
and close() wakes no thread in such a call. shutdown() changes neither number nor file. It ends the connection, in one
direction or both, for all threads and processes that have it, and wakes those that wait for that direction.
`socketserver` shuts down the sending direction, then closes. So the client reads end of stream at once in every row:

       the worker is                        it sees                          the client's sends        the members
    -  -----------------------------------  -------------------------------  ------------------------  ---------------
    1  not yet in recv                      recv: EBADF                      ok, EPIPE                 a closed socket
    2  blocked in recv, the client speaks   recv: the words; then EBADF      ok, ok, EPIPE             a closed socket
    3  blocked in recv, the client closes   recv: b"", as without the bug    none                      clean
    4  blocked in recv with a timeout set   recv: EBADF                      ok, EPIPE                 a closed socket

1. The object has no descriptor left, and recv(-1) is EBADF, "bad file descriptor". Windows has an error of its own for
handles that are not sockets, WSAENOTSOCK (10038), whose text gave the bug its other name.

2. recv was called in time, so it holds the open file, and the connection can still be read. The client's words arrive,
the kernel acknowledges them, and recv returns them. The worker uses the object again, to send the answer: EBADF. When
that recv returns, the kernel drops the connection, and it answers later words with a reset.

3. As row 2, but recv returns the client's end of stream. The worker leaves as it should, and nothing is wrong.

4. With a timeout set, Python's recv is two calls: poll(), which waits at most that long, then recv(), with the
descriptor that the object has by then. So it is EBADF, even if the client closes: the bug does not hide. The moment is
a race. shutdown() makes poll() look again, at the number, too. If close() has come by then, poll() returns POLLNVAL and
the worker fails at once; if not, it sleeps until the client speaks or closes, or the timeout expires.

A worker blocked in sendall() wakes at the shutdown, has sent part of its data, and goes on with the rest: EBADF.

In rows 1 and 4 the client's first send succeeds because its kernel cannot know better: an end of stream ends one
direction, and half-closing depends on that. The server answers it with a reset, so the second send fails. The client
reads end of stream because of the shutdown: close() alone, with a thread in recv, would send nothing at all.

Why it hides
------------

- Row 3 is the usual first try: the client, `telnet` for one, closes when it reads end of stream. The log says that it
  came and went.
- In row 2 two sends succeed. A client that never reads, or a test that checks only its sends, notices nothing.
- The exception ends a thread that no other thread waits for. It goes to `threading.excepthook`, not to the server's
  handle_error(), and no handler has failed.
- If finish(), or a `finally` of the worker, removes the client, the members are right in every row, and checking them
  finds nothing. One check finds the bug in all four rows: does the client receive its own words?
- Timing decides which row it is: a print, a debugger or a busy machine turns one into another.
- With StreamRequestHandler, finish() closes `rfile`, and has to wait for the lock that the worker holds while it reads.
  So the handler joins the worker by accident: the conversation goes on, until finish() gets the lock between two lines.
  Then it is "ValueError: readline of closed file", or EBADF, some day.

The second victim
-----------------

Where the worker itself removes its client from the room, after its last recv, it does not get there in rows 1, 2 and 4.
The closed socket stays a member, and the next speaker sends to it: EBADF, in a thread whose handler may well join. That
client loses its connection and stays a member in turn, so the speaker after it fails, too.

The fix
-------

`worker.join()` before handle() returns. When the request is closed, the worker has used it for the last time. This is
not a delay that happens to be long enough: no order of events is left in which the close comes first.

Other fixes, and what they cost:

- Call `self.talk()` in handle(). This costs nothing: with ThreadingMixIn handle() has its own thread, and a thread that
  waits in join() does no more than one that does the work. Best, unless there are several workers for one client.
- Wait for an Event. The worker must set it in a `finally`, or its first exception leaves the handler waiting for ever;
  and it must set it last, or the bug is back.
- Wait for a Future. result() raises in handle() what the worker raised, so handle_error() learns of it, as it never
  does with join(). But an executor has a limited number of threads: the next client waits in silence.
- Give the request away: shutdown_request() does nothing, and the worker closes at its end. Now every other path has to
  close as well: a handler that raises before it has a worker, a request that verify_request() refuses. finish() comes
  too early to undo anything, and server_close(), which waits for the handlers, does not know the workers.
- Give the worker a descriptor of its own, by request.dup(). It outlives the close(), but the shutdown() before that is
  of the connection, which both share: the worker can read and not answer (EPIPE). So this needs the fix above as well.

What does not help: to catch OSError (the client still loses its connection, only without an error), to sleep in
handle(), to set a timeout (the bug no longer hides, that is all), block_on_close or daemon_threads (they concern
handler threads, at the end of the server), to keep a reference to the socket.

Beyond the four rows
--------------------

The number that close() freed is the next one to be used, as a rule by the connection of the next client. A program in C
still uses it: in row 1 it reads the words of this stranger, in row 2 it sends the stranger the answer to its own
client, and no error ever shows. Python avoids that, as its object has -1, except in the instant between reading the
number and entering the kernel. But poll() keeps the number: if a stranger has it before row 4 goes on, the worker's own
client has no effect any more. The worker sleeps until the timeout expires: TimeoutError, or EBADF if the stranger has
just spoken.

A forking server is worse: the child exits when its handler returns, and the worker ends without an error. A datagram
server has no such bug: close_request() of UDPServer does nothing.

The rule behind it: **only its own handler closes a request**, when no thread uses it any more. Here the close comes too
early. In its other form, it comes from another thread: a broadcast that finds a dead member and closes it, a moderator
who removes a member, a server that closes all clients at its end. The victims wait in recv, and see what the table
says. To end a connection of another handler, call shutdown(SHUT_RDWR): recv returns b"", send fails, the owner wakes
up, leaves, and closes. `Room.cut_off()` and `hang_up()` in the reference do that.

The evidence: `test_closed_request.py` runs each of the four rows a hundred times, on one CPython of each minor version
from 3.11 on that it finds: so far 3.11 to 3.13, on Linux 6.18. StreamRequestHandler, sendall(), dup() and close() alone
were tried by hand there, poll() under strace, and the reuse of numbers in C and in Python; see also close(2), under
"Multithreaded processes". Windows was not tried: its 10038 is from its documentation. Nor were other systems, where
close() may well wake the recv in progress (rows 2 and 3). The forking and the datagram servers are from the source of
`socketserver`.
"""

import threading

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.overthreaded import OverthreadedChatHandler


@fault("CHAT-2", "SRV-3")
class ClosedRequest(OverthreadedChatHandler):
    """handle returns while its worker still uses the request, and socketserver closes it.

    Thought: the thread is running and looks after the client; there is nothing left to wait for.

    Seen: the client reads end of stream as soon as it has connected. What it still sends is accepted and never
    delivered. The worker fails with EBADF, on Windows "not a socket"; if the client just leaves, the worker does not
    fail at all.

    Fixed: join the worker before handle returns, because socketserver closes the request at that moment. The docstring
    of this module explains every case.
    """

    def wait_for(self, worker: threading.Thread) -> None:
        pass
