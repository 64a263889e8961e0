"""A chat of lines on asyncio's streams: python asyncio_chat.py PORT. All other members hear each line."""

import asyncio
import sys

writers: set[asyncio.StreamWriter] = set()


def tell_others(speaker: asyncio.StreamWriter, text: str) -> None:
    for writer in writers - {speaker}:
        writer.write(f"{text}\n".encode())


async def handle_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    addr = writer.get_extra_info("peername")
    writers.add(writer)
    try:
        tell_others(writer, f"{addr!r} joined")
        while line := await reader.readline():
            tell_others(writer, f"{addr!r}: {line.decode().rstrip()}")
    except ConnectionError as error:
        print(f"{addr!r}: {error}")
    finally:
        writers.discard(writer)
        writer.close()
        tell_others(writer, f"{addr!r} left")


async def main() -> None:
    server = await asyncio.start_server(handle_client, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


asyncio.run(main())
