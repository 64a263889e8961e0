"""The closed-request bug: a request is closed while a thread is still using it.

It shows as EBADF, on Windows as "an operation was attempted on something that is not a socket"; or as a server that
takes every word and never answers; or not at all. `socketserver-faults demo closed-request` plays all of it.

How it comes about
------------------

`socketserver` calls a handler class as if it were a function: the whole conversation takes place in its constructor,
and the request is closed behind it::

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

By returning, handle() says that nobody needs the request any more. This one says so for a thread that has just begun::

    def handle(self):
        threading.Thread(target=self.talk).start()      # and talk() uses self.request

It looks safe, because the thread keeps `self`, and so the socket object, alive. But the request is not closed for
want of references; it is closed by a call. ThreadingMixIn starts a thread and returns, too, without harm: together with
the request, it hands that thread the duty to close it.

What the worker sees
--------------------

Four things are called "the socket", each holding the next::

    socket object  -->  descriptor, a number  -->  open file, in the kernel  -->  connection

close() sets the object's descriptor to -1 and takes the number away. The open file stays while a system call is using
it, and nobody in such a call is woken. shutdown() leaves all that alone and ends the connection, in one direction or
both, for everybody who has it under whatever number; who is waiting for that direction wakes up. `socketserver` shuts
down the sending direction, then closes. So the client reads end of stream at once, in every row, and:

       the worker is                        it sees                          the client's sends        the members
    -  -----------------------------------  -------------------------------  ------------------------  ---------------
    1  not yet in recv                      recv: EBADF                      taken, EPIPE              a closed socket
    2  blocked in recv, the client speaks   recv: the words; then EBADF      taken, taken, EPIPE       a closed socket
    3  blocked in recv, the client closes   recv: b"", as on any good day    none                      clean
    4  blocked in recv with a timeout set   recv: EBADF                      taken, EPIPE              a closed socket

1. The object has no descriptor left, and recv(-1) is EBADF, "bad file descriptor". Windows tells handles that are no
   sockets by an error of their own, WSAENOTSOCK (10038), whose text gave the bug its other name.

2. recv was called in time, so it holds the open file, and the connection can still be read. The client's words arrive,
   they are even acknowledged, and recv returns them. The worker uses the object again to send the answer: EBADF. The
   kernel lets the connection go as that recv returns, and answers what comes later by a reset.

3. The same, but what recv returns is the client's end of stream. The worker leaves as it should, and nothing is wrong.

4. With a timeout set, Python's recv is two calls: poll(), to wait no longer than that, then recv(), with whatever
   descriptor the object has by then. So it is EBADF, and if the client closes, too: the bug does not hide. When it is
   EBADF is a race. shutdown() makes poll() look again, at the number, too. If close() has come by then, it returns
   POLLNVAL, and the worker fails at once; if not, it sleeps on, until the client speaks or closes or the time is up.

A worker blocked in sendall() wakes at the shutdown, finds part of its data sent, goes on with the rest: EBADF.

The client's first word is taken in rows 1 and 4 because its kernel cannot know better: an end of stream ends one
direction, and clients that half-close live by it. The reset that this word gets makes the second fail. And it is the
shutdown that the client reads as end of stream: a mere close(), with a thread in recv, would send nothing at all.

Why it hides
------------

- Row 3 is how a first try goes: the client, `telnet` for one, closes when it reads end of stream. The log says that it
  came and went.
- In row 2 the sends succeed, twice. A client that never reads, and a test that is content with them, notice nothing.
- The exception ends a thread that nobody waits for. It goes to `threading.excepthook`, not to the server's
  handle_error(), and no handler has failed.
- If finish(), or a `finally` of the worker, takes the client out, the members are in order in every row, and it is no
  use to look at them. The question that finds the bug in all four is the client's: did my own words come back?
- Which row it is depends on who is faster: a print, a debugger or a busy machine moves it from one to another.
- With StreamRequestHandler, finish() closes `rfile`, and has to wait for the lock that the worker holds while it reads.
  The handler has joined by accident: the conversation goes on, until finish() gets the lock between two lines. Then it
  is "ValueError: readline of closed file", or EBADF, some day.

The second victim
-----------------

Where the worker takes its client out of the room, beside recv, it does not get there in rows 1, 2 and 4. The closed
socket stays a member, and whoever speaks next sends to it: EBADF, in a thread whose handler may well join. Its client
loses the connection, stays a member in turn, and lies in wait for the next.

What mends it
-------------

`worker.join()` before handle() returns. All that the worker did with the request is past when it is closed. This is no
delay that happens to be long enough: there is no order of events left in which the close comes first.

What else would, and what it costs:

- To call `self.talk()` in handle(). Nothing: with ThreadingMixIn handle() has a thread to itself, and a thread that
  sits in join() does no more than one that does the work. Best, unless there are several workers to one client.
- To wait for an Event. The worker must set it in a `finally`, or its first exception leaves the handler waiting for
  ever; and as its last act, or it is the bug again.
- To wait for a Future. result() raises in handle() what the worker raised, so handle_error() learns of it, as it never
  does with join(). But an executor has so many threads and no more: the next client waits in silence.
- To give the request away: shutdown_request() does nothing, and the worker does its work at the end. Now every other
  path has to close as well: a handler that raises before it has a worker, a request that verify_request() turns down.
  finish() comes too early to undo anything, and server_close(), which waits for the handlers, knows of no workers.
- To give the worker a descriptor of its own, by request.dup(). That outlives the close(), but the shutdown() before it
  is of the connection, which they share: the worker can hear and not answer (EPIPE). So only together with the former.

What does not: to catch OSError (the client is still cut off, only quietly), to sleep in handle(), to set a timeout (the
bug no longer hides, that is all), block_on_close or daemon_threads (they are about handler threads, and the end of the
server), to keep a reference to the socket.

Beyond the four rows
--------------------

The number that close() gave back is the next one to be given out, as a rule to the next client. A program in C uses it
still: in row 1 it reads the stranger's words, in row 2 it sends the stranger the answer to its own client, and no error
ever tells. A Python program is spared that, as its object has -1, except in the instant between reading the number and
entering the kernel. But poll() keeps the number: if a stranger has it before row 4 gets anywhere, nothing that the
worker's own client does counts any more. The worker sleeps until its time is up: TimeoutError, or EBADF if the stranger
has just spoken.

A forking server has it worse: the child exits when its handler returns, and the worker ends without a word. A datagram
server has no such bug: close_request() of UDPServer does nothing.

The rule behind it: **only its own handler closes a request**, when nobody uses it any more. Here the closing comes too
early; in its other form, it comes from somebody else: a broadcast that finds a dead member and closes it, a moderator
who throws one out, a server that closes all clients at its end. Their victims sit in recv, and see what the table says.
Whoever wants to end a connection that is somebody else's calls shutdown(SHUT_RDWR): recv returns b"", send fails, the
owner wakes up, leaves, and closes. So do `Room.cut_off()` and `hang_up()` in the reference.

How we know: the four rows are run, a hundred times each, by `tests/faults/demo/test_closed_request.py`, on one CPython
of each minor version from 3.11 on that it finds: so far 3.11 to 3.13, on Linux 6.18. StreamRequestHandler, sendall(),
dup() and a mere close() were tried by hand there, poll() under strace, and the reuse of numbers in C and in Python; see
also close(2), under "Multithreaded processes". Windows was not tried: its 10038 is from its documentation. Nor were
other systems, where a close() may well wake the recv in progress (rows 2 and 3). The forking and the datagram servers
are from the source of `socketserver`.
"""

import threading

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.overthreaded import OverthreadedChatHandler


@fault("CHAT-2", "SRV-3")
class ClosedRequest(OverthreadedChatHandler):
    """handle returns while its worker is still using the request.

    Thought: the thread is running and will look after the client; there is nothing left to wait for.

    Seen: the client reads end of stream as soon as it has connected. What it says all the same is taken, and never
    comes back. The worker fails with EBADF, on Windows "not a socket"; if the client just goes away, not at all.

    Fixed: join the worker before handle returns: socketserver closes the request the moment it does. The docstring of
    this module has the whole story.
    """

    def wait_for(self, worker: threading.Thread) -> None:
        pass
