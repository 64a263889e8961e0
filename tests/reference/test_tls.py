"""A server whose get_request() is overridden to speak TLS: it is served, ended and forgotten as any other."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from socketserver_reference.family import PROGRAMS, server_class
from tests.support.serving import LOOPBACK, TIMEOUT

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of this server's own, and its key."""
    made = tmp_path_factory.mktemp("tls")
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [*words.split(), "-out", made / "certificate", "-keyout", made / "key"], check=True, capture_output=True
    )
    return made / "certificate", made / "key"


@contextmanager
def serving_tls(certificate: tuple[Path, Path], concurrency: str = "threading") -> Iterator[Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    base: Any = server_class(PROGRAMS["echo"], LOOPBACK, concurrency)

    class OverTls(base):  # type: ignore[misc]  # a class that is made at run time
        def get_request(self) -> tuple[ssl.SSLSocket, Any]:
            request, client_address = super().get_request()
            # the handshake is made where the handler reads: in the loop, a silent client would delay all others
            return context.wrap_socket(request, server_side=True, do_handshake_on_connect=False), client_address

    server = OverTls(LOOPBACK.sockaddr, PROGRAMS["echo"].connection_handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        ending = threading.Thread(target=server.server_close, daemon=True)
        ending.start()
        ending.join(TIMEOUT)
        assert not ending.is_alive(), "server_close() does not return"
        thread.join()


@contextmanager
def client_of(server: Any, certificate: tuple[Path, Path]) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context(cafile=certificate[0])
    with socket.create_connection(server.server_address, TIMEOUT) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
            yield client


def read_to_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(1024), b""))


@pytest.mark.parametrize("concurrency", ["sync", "threading"])
def test_a_client_is_served_and_forgotten(certificate: tuple[Path, Path], concurrency: str) -> None:
    with serving_tls(certificate, concurrency) as server:
        for _ in range(3):
            with client_of(server, certificate) as client:
                client.sendall(b" hello \n")
                assert read_to_end(client) == b"HELLO"
    assert server.connections == set()


def test_the_end_hangs_up_on_a_client_that_is_silent(certificate: tuple[Path, Path]) -> None:
    with serving_tls(certificate) as server, client_of(server, certificate) as silent:
        with client_of(server, certificate) as client:
            client.sendall(b"hello")
            assert read_to_end(client) == b"HELLO"
        server.server_close()
        with suppress(ConnectionResetError):  # what TLS says of its own may be unread
            assert read_to_end(silent) == b""
    assert server.connections == set()


def test_who_speaks_no_tls_disturbs_nobody(certificate: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    with serving_tls(certificate) as server, socket.create_connection(server.server_address, TIMEOUT):  # says nothing
        with socket.create_connection(server.server_address, TIMEOUT) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with suppress(ConnectionResetError):
                read_to_end(plain)
        with client_of(server, certificate) as client:
            client.sendall(b"hello")
            assert read_to_end(client) == b"HELLO"
    assert server.connections == set()
    assert "HTTP_REQUEST" in caplog.text
