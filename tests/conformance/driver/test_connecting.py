"""How long a client waits for its connection, and for all else."""

import socket
from typing import Any

import pytest

from socketserver_reference.address import Address
from socketserver_reference.conformance.dialects.dialect import NOTE
from socketserver_reference.conformance.driver import connecting
from socketserver_reference.conformance.driver.stage import Stage
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.targets.client import Client


@pytest.mark.parametrize(("timeout", "to_connect"), [(0.1, connecting.FULL_QUEUE_TIMEOUT), (10.0, 10.0)])
def test_a_client_waits_for_a_full_queue_though_it_waits_for_nothing_else(
    timeout: float, to_connect: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[float] = []

    class NotingClient(Client):
        def __init__(self, address: Address, timeout: float, *arguments: Any) -> None:
            connected.append(timeout)
            super().__init__(address, timeout, *arguments)

    monkeypatch.setattr(connecting, "Client", NotingClient)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = Address("tcp", *listening.getsockname())
        stage = Stage(address, StreamChatOracle(NOTE), timeout=timeout, restartable=True)
        stage._connect("ann")
        assert connected == [to_connect]
        assert [client.socket.gettimeout() for client in stage._clients.values()] == [timeout]
        stage.close(failed=True)
