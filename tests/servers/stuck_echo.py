"""An echo that answers everything, until a client ends its stream: then it serves nobody any more, and ends no stream.

Usage: stuck_echo.py PORT
"""

import selectors
import signal
import socket
import sys

with (
    socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=256) as server,
    selectors.DefaultSelector() as selector,
):
    selector.register(server, selectors.EVENT_READ)
    clients: list[socket.socket] = []
    while True:
        for key, _ in selector.select():
            if key.fd == server.fileno():
                clients.append(server.accept()[0])
                selector.register(clients[-1], selectors.EVENT_READ, clients[-1])
                continue
            try:
                request = key.data.recv(1024)
                key.data.sendall(request)
            except ConnectionError:
                selector.unregister(key.data)
                continue
            while not request:
                signal.pause()
