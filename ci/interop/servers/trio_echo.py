"""The echo of trio's tutorial: python trio_echo.py PORT."""

import sys
from itertools import count

import trio

CONNECTION_COUNTER = count()


async def echo_server(server_stream: trio.SocketStream) -> None:
    ident = next(CONNECTION_COUNTER)
    print(f"echo_server {ident}: started")
    try:
        async for data in server_stream:
            print(f"echo_server {ident}: received data {data!r}")
            await server_stream.send_all(data)
        print(f"echo_server {ident}: connection closed")
    except Exception as exc:
        print(f"echo_server {ident}: crashed: {exc!r}")


async def main() -> None:
    await trio.serve_tcp(echo_server, int(sys.argv[1]), host="127.0.0.1")


trio.run(main)
