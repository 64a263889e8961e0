"""A chat that upper-cases what it delivers: python shouting_server.py PORT."""

import sys

from socketserver_reference.address import Address
from socketserver_reference.chat import ACK, ChatHandler
from socketserver_reference.family import PROGRAMS, Program, make_server


class ShoutingHandler(ChatHandler):
    """The reference's handler with one method changed."""

    def delivery(self, chunk: bytes) -> bytes:
        return ACK + chunk.upper()


SHOUTING = Program("shouting", ShoutingHandler, mix_ins=PROGRAMS["chat"].mix_ins)

with make_server(SHOUTING, Address("tcp", "127.0.0.1", int(sys.argv[1]))) as server:
    server.serve_forever()
