"""Chats on asyncio's streams that speak as many programs do: python asyncio_chats.py KIND PORT.

go        lines, as the chat of "The Go Programming Language": all read who has come and has left
irc       commands in lines that end in CRLF, as IRC has them
telnet    lines that end in CRLF, with a prompt after everything
decimal   frames behind a length of four digits, with the last ten for a newcomer
binary    frames behind a length of four bytes, the first of which is a name
"""

import asyncio
import collections
import sys
from asyncio import StreamReader, StreamWriter

members: dict[StreamWriter, bytes] = {}
frames: collections.deque[bytes] = collections.deque(maxlen=10)
MOST_WAITING = 1 << 20


def tell(data: bytes, but: StreamWriter | None = None) -> None:
    for member in list(members):
        if member is not but:
            member.write(data)
            if member.transport.get_write_buffer_size() > MOST_WAITING:
                members.pop(member)
                member.transport.abort()


async def line(reader: StreamReader) -> bytes:
    """Return the next line; raise EOFError at the end of the stream."""
    found = await reader.readline()
    if not found.endswith(b"\n"):
        raise EOFError
    return found.removesuffix(b"\n").removesuffix(b"\r")


async def go(reader: StreamReader, writer: StreamWriter) -> None:
    who = b"%s:%d" % (writer.get_extra_info("peername")[0].encode(), writer.get_extra_info("peername")[1])
    writer.write(b"You are " + who + b"\n")
    tell(who + b" has arrived\n")
    members[writer] = who
    try:
        while True:
            tell(who + b": " + await line(reader) + b"\n")
    finally:
        members.pop(writer, None)
        tell(who + b" has left\n")


async def irc(reader: StreamReader, writer: StreamWriter) -> None:
    name = b""
    try:
        while True:
            command, _, rest = (await line(reader)).partition(b" ")
            if command == b"NICK":
                name = rest
            elif command == b"USER":
                writer.write(b":server 001 " + name + b" :Welcome\r\n")
            elif command == b"JOIN":
                members[writer] = name
                tell(b":" + name + b" JOIN #room\r\n")
                writer.write(b":server 366 " + name + b" #room :End of names\r\n")
            elif command == b"PRIVMSG":
                tell(b":" + name + b" PRIVMSG " + rest + b"\r\n", but=writer)
            elif command == b"QUIT":
                writer.write(b"ERROR :Closing link\r\n")
                return
    finally:
        if members.pop(writer, None) is not None:
            tell(b":" + name + b" QUIT :gone\r\n")


async def telnet(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(b"login: ")
    name = await line(reader)
    writer.write(b"Hello " + name + b", type quit to leave\r\n> ")
    members[writer] = name
    try:
        while (said := await line(reader)) != b"quit":
            tell(name + b" says: " + said + b"\r\n> ", but=writer)
            writer.write(b"> ")
    finally:
        members.pop(writer, None)


async def decimal(reader: StreamReader, writer: StreamWriter) -> None:
    writer.writelines(frames)
    members[writer] = b""
    try:
        while True:
            header = await reader.readexactly(4)
            frame = header + await reader.readexactly(int(header))
            frames.append(frame)
            tell(frame)
    except ValueError:  # no length
        return
    finally:
        members.pop(writer, None)


async def binary(reader: StreamReader, writer: StreamWriter) -> None:
    async def frame() -> bytes:
        size = int.from_bytes(await reader.readexactly(4), "big")
        if size > MOST_WAITING:
            raise EOFError
        return await reader.readexactly(size)

    name = await frame()
    members[writer] = name
    writer.write(len(name).to_bytes(4, "big") + name)
    try:
        while True:
            said = name + b": " + await frame()
            tell(len(said).to_bytes(4, "big") + said, but=writer)
    finally:
        members.pop(writer, None)


async def serve(reader: StreamReader, writer: StreamWriter) -> None:
    try:
        await globals()[sys.argv[1]](reader, writer)
    except (EOFError, OSError, ValueError):  # it has gone, or a line is too long
        pass
    finally:
        members.pop(writer, None)
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[2]), limit=1 << 17, backlog=500)
    await server.serve_forever()


asyncio.run(main())
