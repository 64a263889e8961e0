"""Programs such as users write, with what is right to say of each under the scheduler."""

from typing import NamedTuple

ROOM = """
    members, lock = MEMBERS, threading.RLock()
    def offer(member, data):
        try:
            if member.send(data, socket.MSG_DONTWAIT) == len(data):
                return True
            member.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        return False
    def chunks(request):
        try:
            while (chunk := request.recv(1024)) and chunk.strip() != b"quit":
                yield chunk
        except OSError:
            pass
"""
"""A room whose deliveries never wait."""

CHAT = """
    import socket, socketserver, threading
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with lock:
                members.JOIN
            try:
                for chunk in chunks(self.request):
                    with lock:
                        DELIVER
            finally:
                with lock:
                    LEAVE
"""

ECHO = """
    import concurrent.futures, logging, os, random, select, selectors, socket, socketserver, threading, time, uuid
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            data = self.request.recv(1024)
            reply = data.strip().upper()
            BODY
"""


class HandlerProgram(NamedTuple):
    """A program, and the verdict that is right."""

    text: str
    verdict: str = ""
    """The clause that it breaks, or what is said if it cannot be played; "" if it is right."""
    play: str = "program:Handler"
    protocol: str = "echo"
    scenario: str | None = None
    lines: bool = False
    slow: bool = False
    """Whether it takes seconds."""


def chat(members: str, join: str, deliver: str, leave: str) -> str:
    """Return a chat whose members are kept so."""
    text = CHAT.replace("JOIN", join).replace("DELIVER", deliver).replace("LEAVE", leave)
    return text + ROOM.replace("MEMBERS", members)


def echo(body: str, more: str = "") -> str:
    """Return an echo whose handler ends so, with more code at the end of its module."""
    return ECHO.replace("BODY", body) + more


OUTBOXES = """
    import queue, socket, socketserver, threading
    boxes, lock = {}, threading.Lock()
    def write(request, box):
        try:
            while (data := box.get()) is not None:
                request.sendall(data)
        except OSError:
            pass
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            box = queue.SimpleQueue()
            writer = threading.Thread(target=write, args=(self.request, box))
            writer.start()
            with lock:
                boxes[self] = box
            for chunk in chunks(self.request):
                with lock:
                    for other in boxes.values():
                        other.put(b"ack" + chunk)
            with lock:
                del boxes[self]
            box.put(None)
            writer.join()
    """

SERVING = """
    class Server(socketserver.TCPServer):
        allow_reuse_address = True
        address_family = socket.FAMILY
        def verify_request(self, request, client_address):
            return client_address[0] != "10.0.0.1"
        def get_request(self):
            request, address = super().get_request()
            request.settimeout(30)
            return request, address
        def process_request(self, request, client_address):
            threading.Thread(target=self.serve, args=(request, client_address), daemon=True).start()
        def serve(self, request, client_address):
            self.finish_request(request, client_address)
            self.shutdown_request(request)
        def service_actions(self):
            self.rounds = getattr(self, "rounds", 0) + 1
    server = Server((HOST, 9999), Handler)
"""

PROGRAMS = {
    "a set of handlers": HandlerProgram(
        chat(
            "set()",
            "add(self)",
            "members.difference_update([m for m in members if not offer(m.request, b'ack' + chunk)])",
            "members.discard(self)",
        ),
        protocol="chat",
        scenario="quit",
        slow=True,
    ),
    "a dictionary by address, with a member left in it that is gone": HandlerProgram(
        chat(
            "{}",
            "update({self.client_address: self.request})",
            "for other in members.values(): other.sendall(b'ack' + chunk)",
            "members.pop(self.client_address)",
        ),
        "CHAT-12",
        protocol="chat",
        scenario="reset",
    ),
    "a list that changes while it is sent to": HandlerProgram(
        chat(
            "[]",
            "append(self.request)",
            "lock.release(); [offer(m, b'ack' + chunk) for m in members]; lock.acquire()",
            "members.remove(self.request)",
        ),
        "CHAT-13",
        protocol="chat",
        scenario="speak",
    ),
    "a queue and a writer for each member": HandlerProgram(
        OUTBOXES + ROOM.replace("MEMBERS", "None"), protocol="chat", scenario="speak"
    ),
    "a pool that delivers to several at once": HandlerProgram(
        chat(
            "[]",
            "append(self.request)",
            "list(pool.map(offer, members, [b'ack' + chunk] * len(members)))",
            "members.remove(self.request)",
        )
        + "    from concurrent.futures import ThreadPoolExecutor\n    pool = ThreadPoolExecutor(2)\n",
        protocol="chat",
        scenario="greet",
    ),
    "a pool that does not wait": HandlerProgram(
        chat(
            "[]",
            "append(self.request)",
            "[pool.submit(offer, member, b'ack' + chunk) for member in members]",
            "members.remove(self.request)",
        )
        + "    from concurrent.futures import ThreadPoolExecutor\n    pool = ThreadPoolExecutor(2)\n",
        "CHAT-13",
        protocol="chat",
        scenario="speak",
        slow=True,
    ),
    "locks in two orders": HandlerProgram(
        echo(
            "one, other = sorted(locks, key=id, reverse=self.client_address[1] % 2)\n"
            "            with one, other: self.request.sendall(reply)",
            "    locks = [threading.Lock(), threading.Lock()]\n",
        ),
        "ECHO-7",
    ),
    "a count that is lost between two lines": HandlerProgram(
        echo(
            "self.request.sendall(reply if len(set(numbers)) == len(numbers) else b'twice')",
            "    numbers = []\n",
        ).replace(
            "data = self",
            "number = len(numbers)\n            numbers.append(number)\n            data = self",
        ),
        "ECHO-2",
        lines=True,
        scenario="ask",
    ),
    "a file for reading, and one for writing that is flushed at the end": HandlerProgram(
        echo("self.wfile.write(reply)", "    Handler.wbufsize = -1\n").replace("self.request.recv", "self.rfile.read1"),
    ),
    "a file for writing that is never flushed": HandlerProgram(
        echo("kept.append(self.request.makefile('wb')); kept[-1].write(reply)", "    kept = []\n"),
        "ECHO-2",
        scenario="ask",
    ),
    "select with a time, and a timer that is cancelled": HandlerProgram(
        echo("timer.cancel()\n            self.request.sendall(reply)").replace(
            "data = ",
            "timer = threading.Timer(60, self.request.close); timer.start()\n"
            "            while not select.select([self.request], [], [], 1.0)[0]: pass\n            data = ",
        ),
        scenario="ask",
        slow=True,
    ),
    "a selector": HandlerProgram(
        echo("self.request.sendall(reply)").replace(
            "data = ",
            "with selectors.DefaultSelector() as selector:\n"
            "                selector.register(self.request, selectors.EVENT_READ); selector.select()\n"
            "            data = ",
        ),
        scenario="ask",
    ),
    "a barrier, and data of each thread": HandlerProgram(
        echo(
            "barrier.wait(); own.reply = reply; barrier.wait(); self.request.sendall(own.reply)",
            "    barrier, own = threading.Barrier(1), threading.local()\n",
        ),
        scenario="ask",
    ),
    "a file that it writes, under a lock": HandlerProgram(
        echo(
            "with lock, open('said.txt', 'ab') as file: file.write(data)\n            self.request.sendall(reply)",
            "    lock = threading.Lock()\n",
        ),
    ),
    "chance, the clock and a log": HandlerProgram(
        echo(
            "logging.info('%s %s %s', uuid.uuid4(), random.choice('abc'), time.strftime('%H'))\n"
            "            time.sleep(random.random()); self.request.sendall(reply)",
            "    logging.basicConfig(level=logging.INFO)\n",
        ),
    ),
    "a handler that ends the server": HandlerProgram(
        echo("self.request.sendall(reply); threading.Thread(target=self.server.shutdown).start()"),
        scenario="ask",
        slow=True,
    ),
    "its own server, which is served when it is imported": HandlerProgram(
        echo("self.request.sendall(reply)", SERVING.replace("FAMILY", "AF_INET").replace("HOST", "''"))
        + "    server.serve_forever()\n",
        play="program",
    ),
    "its own server, for IPv6, in a thread": HandlerProgram(
        echo("self.request.sendall(reply)", SERVING.replace("FAMILY", "AF_INET6").replace("HOST", "'::1'"))
        + "    thread = threading.Thread(target=server.serve_forever, daemon=True); thread.start(); thread.join()\n",
        play="program",
    ),
    "datagrams": HandlerProgram(
        "    import socketserver\n"
        "    class Handler(socketserver.DatagramRequestHandler):\n"
        "        def handle(self): self.wfile.write(self.rfile.read().upper())\n"
        "    server = socketserver.ThreadingUDPServer(('', 9999), Handler)\n    server.serve_forever()\n",
        "check an echo of datagrams",
        play="program",
    ),
    "an event loop": HandlerProgram(
        echo("import asyncio; asyncio.run(asyncio.sleep(0)); self.request.sendall(reply)"),
        "does not model asyncio.run",
        scenario="ask",
    ),
}
"""What a program uses -> the program."""
