"""What a server should not say, as a notice."""

from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.passing import MAX_PASSING_BYTES, passing
from socketserver_reference.conformance.dialects.template import Template
from tests.servers.dialects_served import DIALECTS

LINES = replace(DIALECTS["named"], handshake=(), notices=(), to_sender="same")


def test_what_is_said_in_handshakes_and_numbers_may_differ() -> None:
    said = {
        b"cal: null": "{any}: null",
        b"cal: gone after 3:45": "{any}: gone after {any}",
        b"* cal7 has left": "* {any} has left",
        b"cal7 kicks cal": "{any} kicks {any}",
    }
    for frame, form in said.items():
        assert passing(frame, LINES, [b"cal", b"cal7"]) == Template(form)


@pytest.mark.parametrize(
    ("frame", "dialect"),
    [
        (b"null", NOTE),  # a stream
        (b"cal: null", replace(LINES, framing_out=Framing("none"))),
        (b"cal: " + bytes(MAX_PASSING_BYTES), LINES),
        (b"cal: \xff", LINES),
        (b"cal: {name}", LINES),  # a field
        (b"cal: ", LINES),  # nothing of its own
        (b"cal 1 2 3 and 4", LINES),  # too many that differ
        (b"", LINES),
    ],
)
def test_not_all_that_comes_can_pass(frame: bytes, dialect: Dialect) -> None:
    assert passing(frame, dialect, [b"cal"]) is None
