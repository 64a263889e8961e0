"""How clients go, and what goes with them: quit, end of stream, reset."""

import os
import socket
import struct

from socketserver_faults.catalogue.registry import fault
from socketserver_reference.chat import QUIT, ChatHandler
from socketserver_reference.echo import DISCONNECT_ERRORS

GATHER_SECONDS = 0.01
"""Seconds for which a fault here waits for what comes next; it is a bug for any length."""

ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER: on, 0 seconds. close() then drops what is unsent and resets."""


@fault("CHAT-7")
class DeliversQuit(ChatHandler):
    """What makes a member leave is delivered like anything else, and then it leaves.

    Thought: deliver first, look at it afterwards: then there is one path for everything.

    Seen: the last thing everybody hears of a member is `ackquit`. Who relays the room to another one makes everybody
    there leave too.

    Fixed: decide before delivering. A command is not a contribution.
    """

    def leaves(self, chunk: bytes) -> bool:
        leaving = super().leaves(chunk)
        if leaving and chunk:
            self.deliver(chunk)
        return leaving


@fault("CHAT-7")
class QuitsWithoutNewlineOnly(ChatHandler):
    """Only the four bytes `quit` are quit; with a newline behind them they are something said.

    Thought: compare with b"quit"; it worked in the test, which sent b"quit".

    Seen: nobody who uses nc or telnet can leave by quit: their Return key sends a newline along. The room hears them
    try again and again.

    Fixed: strip white space before comparing; people end lines, programs may not.
    """

    def leaves(self, chunk: bytes) -> bool:
        return chunk in (b"", QUIT)


@fault("CHAT-7", "CHAT-10")
class ResetsWhoLeaves(ChatHandler):
    """Every goodbye is a reset, for the server aborts its connections instead of closing them.

    Thought: SO_LINGER with zero seconds gets rid of all those connections in TIME_WAIT.

    Seen: who quits or half-closes reads `Connection reset by peer` in place of the end of the stream, and what was
    still on its way to it is dropped: the last words of the others arrive or not, as the network pleases.

    Fixed: leave SO_LINGER alone. TIME_WAIT protects the next connection from stray segments of this one; to restart
    a server at the same port, SO_REUSEADDR is enough.
    """

    def finish(self) -> None:
        super().finish()
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        self.request.close()


@fault("CHAT-8")
class QuitsInAnyCase(ChatHandler):
    """QUIT in capitals is quit too.

    Thought: people type as they like, and a command should not be picky.

    Seen: somebody shouts QUIT at another member, and is out of the room. A program that relays what other people say
    cannot know which of their words the server takes for its own.

    Fixed: compare the bytes as they are. A command that must be told from text needs framing, not guesses.
    """

    def leaves(self, chunk: bytes) -> bool:
        return super().leaves(chunk.lower())


@fault("CHAT-8")
class QuitsAtAnyBeginning(ChatHandler):
    """Whatever begins with quit is quit: `quit now`, and `quite right`.

    Thought: startswith() takes care of the newline, of `quit now` and of the space somebody leaves behind it.

    Seen: "quite right" ends the conversation, and nobody else ever hears it.

    Fixed: strip, then compare the whole.
    """

    def leaves(self, chunk: bytes) -> bool:
        return chunk == b"" or chunk.strip().startswith(QUIT)


@fault("CHAT-10")
class DropsLastWords(ChatHandler):
    """Whoever has ended its stream is gone, and what it said just before is dropped.

    Thought: look whether the client is still there before doing work for it; who has hung up needs no answer.

    Seen: `echo hello | nc` says nothing: its hello and its end of stream arrive together, and the hello is thrown
    away. Of everybody who says goodbye and closes, the goodbye is lost.

    Fixed: end of stream comes after the data, as recv() says it: b"" when everything before has been read. Do not ask
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


@fault("CHAT-10", own_process=True)
class SpinsAtTheEnd(ChatHandler):
    """The end of the stream is not noticed: its thread asks for more, again and again, at full speed.

    Thought: recv() blocks until there is something; so when it returns there is something, or it was a hiccup.

    Seen: a client that half-closes waits for ever for the server to close. The fans turn louder with everybody who
    ever left: each is a thread that takes a whole processor.

    Fixed: b"" is not "nothing yet" but "nothing any more", the one way in which recv() reports the end.
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
    """The end of the stream is taken for an empty chunk and delivered, for ever.

    Thought: quit is how one leaves; so quit is what the loop looks for.

    Seen: when the first client closes without quit, everybody's screen fills with `ackackackack` until they leave as
    well, and so does the server's log.

    Fixed: recv() returns b"" at the end of the stream, and there alone. Leave then.
    """

    def leaves(self, chunk: bytes) -> bool:
        return chunk.strip() == QUIT


@fault("CHAT-12", own_process=True)
class ResetEndsTheProcess(ChatHandler):
    """One client's reset ends the whole server.

    Thought: an exception that nobody expected is a bug, and the safest thing after a bug is to stop.

    Seen: somebody's train enters a tunnel, or somebody's laptop is closed, and everybody is disconnected. In languages
    where an unhandled error of one connection ends the process this needs no line of code at all.

    Fixed: a reset is a way of leaving, not an error of the program. Catch it where the connection is read.
    """

    def receive(self) -> bytes:
        try:
            chunk: bytes = self.request.recv(self.chunk_size)
        except DISCONNECT_ERRORS:
            os._exit(1)
        return chunk
