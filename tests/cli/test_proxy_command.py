"""`socketserver-faults proxy`: a network to put before any server."""

import argparse
import os
import signal
import subprocess
import sys

import pytest

from socketserver_faults.cli import proxy
from socketserver_faults.network import Conditions
from socketserver_reference.address import Address, server_address
from tests.support.serving import LOOPBACK, TIMEOUT, connect_to, read, read_to_end, serving


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    proxy.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_address_logs_and_ends_at_a_signal(number: signal.Signals) -> None:
    with serving("chat", LOOPBACK) as server:
        words = ["tcp://127.0.0.1:0", str(server_address(server)), "--delay", "0.001", "--reset-after", "20"]
        line = [sys.executable, "-m", "socketserver_faults", "proxy", *words, "--way", "to-server"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stderr is not None
                first = process.stdout.readline()
                assert first, process.stderr.read()
                address = Address.parse(first.strip())
                with connect_to(address) as ann, connect_to(address) as ben:
                    ann.sendall(b"\x1b[31mhello")
                    assert read(ann, 13) == b"ack\x1b[31mhello"
                    ben.sendall(b"x" * 20)
                    with pytest.raises(ConnectionResetError):
                        read_to_end(ben)
                    os.kill(process.pid, number)
                    _, log = process.communicate(timeout=TIMEOUT)
            finally:
                process.kill()
    assert process.returncode == 0
    assert "connection 1 from 127.0.0.1:" in log
    assert ": the network resets both sides after 20 bytes to-server" in log
    assert "\x1b" not in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("nowhere", "tcp://127.0.0.1:9"), "'nowhere' is not an address"),
        (("tcp://127.0.0.1:0", "udp://127.0.0.1:9"), "carries streams and"),
        (("tcp://127.0.0.1:0", "tcp://127.0.0.1:9", "--delay", "soon"), "--delay 'soon': write a number of seconds"),
        (("tcp://127.0.0.1:0", "tcp://127.0.0.1:9", "--seed", "x"), "--seed 'x': write a whole number, 0 or more"),
        (("tcp://127.0.0.1:0", "tcp://127.0.0.1:9", "--duplicate", "1"), "--duplicate is for datagrams"),
        (("udp://127.0.0.1:0", "udp://127.0.0.1:9", "--coalesce", "1"), "--coalesce is for streams"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(
    words: tuple[str, ...], refusal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert proxy.run(arguments(*words)) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith("socketserver-faults proxy: ")
    assert refusal in error
    assert error.count("\n") == 1


def test_the_command_understands_every_number_of_the_conditions() -> None:
    words = "--delay 1 --jitter 0.5 --rate 1e3 --stall-every 2 --stall-for 1 --split 5 --reset-after 9 --way to-client"
    conditions = proxy.read_conditions(arguments("tcp://a:0", "tcp://b:1", *words.split()))
    assert conditions == Conditions(
        delay=1.0, jitter=0.5, rate=1000.0, stall_every=2.0, stall_for=1.0, split=5, reset_after=9, way="to-client"
    )
