"""Rooms that cut a member off wrongly, for the scheduler."""

import socket
from dataclasses import replace

from socketserver_reference.address import Address
from socketserver_reference.chat import Room
from socketserver_reference.family import PROGRAMS, make_server
from socketserver_reference.lifecycle import Server


class CutsOffInTheLoop(Room):
    """Takes a member out of the set while it loops over the set."""

    def deliver(self, delivery: bytes) -> None:
        with self.lock:
            for member in self.members:
                if not self.offer(member, delivery):
                    self.cut_off(member)


class TakesOutAndLeavesConnected(Room):
    """Takes a member out of the set and does not tell it."""

    def cut_off(self, member: socket.socket) -> None:
        self.members.discard(member)


def _served(room: type[Room]) -> Server:
    program = PROGRAMS["chat"]
    return make_server(replace(program, mix_ins=(room, *program.mix_ins)), Address("tcp", "127.0.0.1"))


def cuts_off_in_the_loop() -> Server:
    """Return a server with the one."""
    return _served(CutsOffInTheLoop)


def takes_out_and_leaves_connected() -> Server:
    """Return a server with the other."""
    return _served(TakesOutAndLeavesConnected)
