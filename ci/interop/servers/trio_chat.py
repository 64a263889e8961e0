"""A chat of lines on trio: python trio_chat.py PORT. All members hear each line, with the number of its sender."""

import sys
from collections.abc import AsyncIterator
from itertools import count

import trio

WAITING = 20_000
"""Lines that may wait for a member before it is cut off: more than 64 KiB, even if they are empty."""

numbers = count(1)
members: set["Member"] = set()


class Member:
    """A member of the room: one task reads its lines, another writes its deliveries."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.number = next(numbers)
        self.stream = stream
        self.to_hear, self.heard = trio.open_memory_channel[bytes](WAITING)
        self.scope = trio.CancelScope()

    async def lines(self) -> AsyncIterator[bytes]:
        buffer = b""
        async for data in self.stream:
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                yield line.rstrip(b"\r")

    async def talk(self) -> None:
        with self.to_hear:
            try:
                async for line in self.lines():
                    if line == b"/quit":
                        break
                    broadcast(b"[%d] %s" % (self.number, line))
            finally:  # leave the room first: nothing can be sent to a closed channel
                members.remove(self)

    async def listen(self) -> None:
        async for line in self.heard:
            await self.stream.send_all(line + b"\n")


def broadcast(line: bytes) -> None:
    for member in members:
        try:
            member.to_hear.send_nowait(line)
        except trio.WouldBlock:
            member.scope.cancel()  # too slow


async def serve(stream: trio.SocketStream) -> None:
    member = Member(stream)
    members.add(member)
    member.to_hear.send_nowait(b"Welcome, you are [%d]. Say /quit to leave." % member.number)
    try:
        with member.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(member.listen)
                nursery.start_soon(member.talk)
    except* trio.BrokenResourceError:
        print(f"[{member.number}] is gone")
    finally:
        members.discard(member)


async def main() -> None:
    await trio.serve_tcp(serve, int(sys.argv[1]), host="127.0.0.1")


trio.run(main)
