"""Servers that misbehave, for the tests of the checker: `python -m tests.servers.bad_servers NAME PORT [FIFO]`.

Plain sockets, so that each does what its name says and nothing else. A server that is given a FIFO holds it open as
long as it or a child of it lives, and writes a line to it when there is something to know: whoever reads the FIFO reads
end of stream when all of them have gone.
"""

import os
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial

HOSTILE = b"\x1b[31mred\x1b]0;title\x07\x9b2J <b>&amp;]]> \xff\xfe\xc3( \0\r\n"
"""What a terminal, XML, HTML and UTF-8 each would stumble over."""

MARKUP = b"`|</code><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">" + HOSTILE
"""What would take over a page that believed it; longer than what a report shows at once."""

LAST_WORDS = b"out of \x1b[5mcheese\n"

Notify = Callable[[bytes], object]
"""Writes a word to the FIFO."""


def tell_nobody(_word: bytes) -> None:
    """Do nothing: there is no FIFO."""


def listening(port: int) -> socket.socket:
    """Return a socket that listens."""
    server = socket.create_server(("127.0.0.1", port), backlog=256)
    print(f"tcp://127.0.0.1:{server.getsockname()[1]}", flush=True)
    return server


def for_each_client(port: int, serve: Callable[[socket.socket], None]) -> None:
    """Serve each client in a thread of its own."""
    with listening(port) as server:
        while True:
            client, _ = server.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()


def silent(client: socket.socket) -> None:
    """Read and never answer."""
    with client:
        while client.recv(65536):
            pass


def hangs_up(client: socket.socket) -> None:
    """Close at once."""
    client.close()


def floods(client: socket.socket) -> None:
    """Send without end, asked or not."""
    try:
        with client:
            while True:
                client.sendall(b"acknowledged " * 5000)
    except OSError:
        pass


def floods_when_asked(client: socket.socket) -> None:
    """Send without end, once spoken to."""
    if client.recv(1024):
        floods(client)


def hostile(client: socket.socket) -> None:
    """Answer with bytes that must not reach a terminal."""
    try:
        with client:
            while client.recv(1024):
                client.sendall(b"ack" + HOSTILE)
    except OSError:
        pass


def markup(client: socket.socket) -> None:
    """Answer with markup, scripts in it."""
    with client:
        while client.recv(1024):
            client.sendall(b"ack" + MARKUP)


def line_by_line(client: socket.socket) -> None:
    """Greet and take lines, as chats of another dialect do."""
    with client:
        client.sendall(b"who are you?\n\x1b[31m")
        while client.recv(1024):
            pass


def hang_up(gone: socket.socket) -> None:
    """Close the connection of a client that has gone."""
    gone.close()


def receive(speaker: socket.socket) -> bytes:
    """Return a chunk, or b"" at end of stream."""
    return speaker.recv(1024)


def deliver(member: socket.socket, chunk: bytes) -> None:
    """Send a delivery."""
    member.sendall(b"ack" + chunk)


def converse(
    server: socket.socket,
    heard: Callable[[int], None],
    dismiss: Callable[[socket.socket], object] = hang_up,
    receive: Callable[[socket.socket], bytes] = receive,
    deliver: Callable[[socket.socket, bytes], None] = deliver,
) -> None:
    """Serve a chat that is correct as far as polite clients can tell; say how many chunks have been heard, each time.

    One thread and a selector. A client that has gone is dismissed.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        members: list[socket.socket] = []
        chunks = 0
        while True:
            for key, _ in selector.select():
                speaker = key.fileobj
                assert isinstance(speaker, socket.socket)
                if speaker is server:
                    members.append(server.accept()[0])
                    selector.register(members[-1], selectors.EVENT_READ)
                    continue
                chunk = receive(speaker)
                if not chunk or chunk.strip() == b"quit":
                    selector.unregister(speaker)
                    members.remove(speaker)
                    dismiss(speaker)
                    continue
                chunks += 1
                heard(chunks)
                for member in members:
                    deliver(member, chunk)


def chat(
    port: int,
    heard: Callable[[int], None],
    notify: Notify = tell_nobody,
    dismiss: Callable[[socket.socket], object] = hang_up,
) -> None:
    """Listen, say so, and serve that chat."""
    with listening(port) as server:
        notify(b"up\n")
        converse(server, heard, dismiss)


def ends_with_the_first(port: int) -> None:
    """End as soon as a client has connected."""
    with listening(port) as server:
        server.accept()[0].close()


def ends_with_the_silent(port: int) -> None:
    """Answer one request of one client after another; end when a client leaves that has asked nothing."""
    with listening(port) as server:
        while True:
            client, _ = server.accept()
            with client:
                if not (request := client.recv(1024)):
                    return
                client.sendall(request.upper())


def mortal(chunks: int) -> None:
    """Die, with a last word, at the twelfth chunk."""
    if chunks == 12:
        sys.stderr.buffer.write(LAST_WORDS)
        sys.stderr.flush()
        os._exit(3)


def crashing(chunks: int) -> None:
    """Die by a signal at the twelfth chunk."""
    if chunks == 12:
        os.kill(os.getpid(), signal.SIGKILL)


def immortal(chunks: int) -> None:
    """Live on."""


def hanging(notify: Notify, chunks: int) -> None:
    """Stop answering at the twelfth chunk, and say so."""
    if chunks == 12:
        notify(b"hanging\n")
        threading.Event().wait()


def stubborn(port: int, notify: Notify) -> None:
    """Chat with a child beside, both deaf to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        notify(b"child\n")
        while True:
            signal.pause()
    chat(port, immortal, notify)


def with_daemon(port: int, notify: Notify) -> None:
    """Chat with a grandchild beside, an orphan in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            notify(b"daemon\n")
            signal.pause()
        os._exit(0)
    chat(port, immortal, notify)


def turns_daemon(notify: Notify) -> None:
    """Live on, without listening, as an orphan in a session of its own, after the launched process has ended."""
    left, leaving = os.pipe()
    if os.fork() != 0:
        os.read(left, 1)  # not before the child is on its own
        os._exit(0)
    os.setsid()
    notify(b"daemon\n")
    os.write(leaving, b".")
    signal.pause()


def deaf(port: int, notify: Notify) -> None:
    """Run without listening, and say a little."""
    print(f"not listening at {port}", flush=True)
    notify(b"up\n")
    threading.Event().wait()


def unanswering_datagrams(port: int) -> None:
    """Receive datagrams and never answer."""
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", port))
        print(f"udp://127.0.0.1:{server.getsockname()[1]}", flush=True)
        while True:
            server.recv(65536)


def main(name: str, port: int, fifo: str | None = None) -> None:
    """Serve until killed."""
    if fifo is None:
        notify: Notify = tell_nobody
    else:
        notify = partial(os.write, os.open(fifo, os.O_WRONLY))  # never closed: its end tells that all have gone
    kept: list[socket.socket] = []
    servers: dict[str, Callable[[], None]] = {
        "silent": lambda: for_each_client(port, silent),
        "hangs-up": lambda: for_each_client(port, hangs_up),
        "floods": lambda: for_each_client(port, floods),
        "floods-when-asked": lambda: for_each_client(port, floods_when_asked),
        "hostile": lambda: for_each_client(port, hostile),
        "markup": lambda: for_each_client(port, markup),
        "line-by-line": lambda: for_each_client(port, line_by_line),
        "ends-with-the-first": lambda: ends_with_the_first(port),
        "ends-with-the-silent": lambda: ends_with_the_silent(port),
        "mortal": lambda: chat(port, mortal),
        "crashing": lambda: chat(port, crashing),
        "hanging": lambda: chat(port, partial(hanging, notify), notify),
        "never-hangs-up": lambda: chat(port, immortal, notify, kept.append),
        "well-behaved": lambda: chat(port, immortal, notify),
        "stubborn": lambda: stubborn(port, notify),
        "with-daemon": lambda: with_daemon(port, notify),
        "turns-daemon": lambda: turns_daemon(notify),
        "deaf": lambda: deaf(port, notify),
        "unanswering-datagrams": lambda: unanswering_datagrams(port),
    }
    servers[name]()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
