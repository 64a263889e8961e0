"""How clients leave, and what they lose: quit, end of stream, reset."""

import os
import socket
import struct

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.chat import QUIT, ChatHandler
from socketserver_reference.echo import DISCONNECT_ERRORS

GATHER_SECONDS = 0.01
"""Seconds for which a fault here waits for what comes next; any length is a bug."""

ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER: on, 0 seconds. close() then drops unsent data and resets the connection."""


@fault("CHAT-7")
class DeliversQuit(ChatHandler):
    """The chunk `quit` is delivered to the room before its sender leaves.

    Thought: deliver first, look at the chunk afterwards: then everything takes one path.

    Seen: the last delivery of each member is `ackquit`. A program that relays this room to another one makes the
    members there leave too.

    Fixed: decide before delivering. A command is not part of the conversation.
    """

    def leaves(self, chunk: bytes) -> bool:
        leaving = super().leaves(chunk)
        if leaving and chunk:
            self.deliver(chunk)
        return leaving


@fault("CHAT-7")
class QuitsWithoutNewlineOnly(ChatHandler):
    """Only the four bytes `quit` count as quit; with a newline behind them they are delivered.

    Thought: compare with b"quit": it worked in the test, which sent b"quit".

    Seen: users of nc or telnet cannot leave by quit, because their Return key also sends a newline. The room reads
    every attempt.

    Fixed: strip white space before comparing: people end lines, programs may not.
    """

    def leaves(self, chunk: bytes) -> bool:
        return chunk in (b"", QUIT)


@fault("CHAT-7", "CHAT-10")
class ResetsWhoLeaves(ChatHandler):
    """A client that leaves gets a reset, because the server aborts connections instead of closing them.

    Thought: SO_LINGER with zero seconds gets rid of all those connections in TIME_WAIT.

    Seen: a client that quits or half-closes reads `Connection reset by peer` instead of end of stream. Deliveries on
    the way to it are dropped: whether the last ones arrive depends on the network.

    Fixed: leave SO_LINGER alone. TIME_WAIT protects the next connection from stray segments of this one; to restart a
    server at the same port, SO_REUSEADDR is enough.
    """

    def finish(self) -> None:
        super().finish()
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        self.request.close()


@fault("CHAT-8")
class QuitsInAnyCase(ChatHandler):
    """QUIT in capitals counts as quit.

    Thought: people type as they like, and a command should not be strict.

    Seen: a member shouts QUIT at another one, and is out of the room. A program that relays what people say cannot know
    which words the server takes for commands.

    Fixed: compare the bytes as they are. To tell a command from text takes framing, not guesses.
    """

    def leaves(self, chunk: bytes) -> bool:
        return super().leaves(chunk.lower())


@fault("CHAT-8")
class QuitsAtAnyBeginning(ChatHandler):
    """A chunk that begins with `quit` counts as quit: `quit now`, and `quite right`.

    Thought: startswith() takes care of the newline, of `quit now` and of a space at the end.

    Seen: "quite right" ends the conversation of its sender, and no other member ever reads it.

    Fixed: strip, then compare the whole chunk.
    """

    def leaves(self, chunk: bytes) -> bool:
        return chunk == b"" or chunk.strip().startswith(QUIT)


@fault("CHAT-10")
class DropsLastWords(ChatHandler):
    """The last chunk of a client is dropped if end of stream comes straight after it.

    Thought: check that the client is still there before working for it: a client that has hung up needs no answer.

    Seen: `echo hello | nc` says nothing: its hello and its end of stream arrive together, and the server drops the
    hello. A client that says goodbye and closes loses its goodbye.

    Fixed: end of stream comes after the data, and recv() returns b"" when everything before has been read. Do not look
    for it earlier (POLLRDHUP, MSG_PEEK).
    """

    def leaves(self, chunk: bytes) -> bool:
        self.request.settimeout(GATHER_SECONDS)
        try:
            gone = self.request.recv(1, socket.MSG_PEEK) == b""
        except (TimeoutError, *DISCONNECT_ERRORS) as error:
            gone = not isinstance(error, TimeoutError)
        self.request.settimeout(None)
        return gone or super().leaves(chunk)


@fault("CHAT-10", "CHAT-19", own_process=True)
class SpinsAtTheEnd(ChatHandler):
    """The server does not notice end of stream: the thread calls recv() again and again, at full speed.

    Thought: recv() blocks until there is something, so when it returns there is something, or the network had a
    moment's trouble.

    Seen: a client that half-closes waits for ever for the server to close. Each client that has left keeps a thread
    busy, which takes a whole processor, and its descriptor, so that soon none is left for others.

    Fixed: b"" does not mean "nothing yet" but "nothing any more": it is the one way in which recv() reports the end.
    """

    def handle(self) -> None:
        while True:
            chunk = self.receive()
            if chunk.strip() == QUIT:
                return
            if chunk:
                self.deliver(chunk)


@fault("CHAT-10", own_process=True)
class DeliversTheEndForEver(ChatHandler):
    """End of stream is taken for an empty chunk, which is delivered for ever.

    Thought: quit is the way to leave, so the loop looks for quit.

    Seen: when the first client closes without quit, the screens of all members fill with `ackackackack` until they
    leave as well. So does the log of the server.

    Fixed: recv() returns b"" at end of stream and only then. Leave at that point.
    """

    def leaves(self, chunk: bytes) -> bool:
        return chunk.strip() == QUIT


@fault("CHAT-12", own_process=True)
class ResetEndsTheProcess(ChatHandler):
    """The reset of one client ends the whole server.

    Thought: an unexpected exception is a bug, and the safest thing after a bug is to stop.

    Seen: one user's train enters a tunnel, and all clients are disconnected. In languages where an unhandled error of
    one connection ends the process, this needs no line of code at all.

    Fixed: a reset is a way of leaving, not an error of the program. Catch it where the connection is read.
    """

    def receive(self) -> bytes:
        try:
            chunk: bytes = self.request.recv(self.chunk_size)
        except DISCONNECT_ERRORS:
            os._exit(1)
        return chunk
