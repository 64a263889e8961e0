"""`learn chat` where the server's own lines end in two ways, or where empty lines come by themselves."""

from typing import Any

import pytest

from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.learn.framing import ends_in_two_ways
from tests.servers.dialect_servers import chat
from tests.support.learning import learned

pytestmark = pytest.mark.usefixtures("quick_learning")

NAMED = b"{name}: {body}"

ROOMS: dict[str, tuple[dict[str, Any], str, list[str], bytes]] = {
    "only deliveries end in CR LF": (
        {"deliver": NAMED + b"\r\n", "joined": b"* {name} came\n", "left": b"* {name} left\n"},
        "{sender}: {body}\r",
        ["* {any} came", "* {any} left"],
        b"\n",
    ),
    "only who leaves is told in LF": (
        {"deliver": NAMED + b"\r\n", "joined": b"* {name} came\r\n", "left": b"* {name} left\n"},
        "{sender}: {body}\r",
        ["* {any} came\r", "* {any} left"],
        b"\n",
    ),
    "only notices end in CR LF": (
        {"deliver": NAMED + b"\n", "joined": b"* {name} came\r\n", "left": b"* {name} left\r\n"},
        "{sender}: {body}",
        ["* {any} came\r", "* {any} left\r"],
        b"\n",
    ),
    "a blank line before and after who comes": (
        {"deliver": NAMED + b"\n", "joined": b"\n* {name} came\n\n", "left": b"* {name} left\n"},
        "{sender}: {body}",
        ["", "* {any} came", "* {any} left"],
        b"\n",
    ),
    "all end in CR LF": (
        {"deliver": NAMED + b"\r\n", "joined": b"* {name} came\r\n", "left": b"* {name} left\r\n"},
        "{sender}: {body}",
        ["* {any} came", "* {any} left"],
        b"\r\n",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("speech", "template", "notices", "newline"), ROOMS.values(), ids=ROOMS)
def test_lines_that_end_in_two_ways_are_learned(
    speech: dict[str, Any], template: str, notices: list[str], newline: bytes
) -> None:
    dialect: Dialect = learned(chat(asks=b"Name? ", to_sender=None, **speech))
    assert dialect.template.text == template
    assert [notice.text for notice in dialect.notices] == notices
    assert dialect.framing_out.newline == newline
    assert [turn.wait.text for turn in dialect.handshake if turn.wait] == ["Name? "]


@pytest.mark.parametrize(
    ("data", "two"),
    [
        (b"one\r\ntwo\n", True),
        (b"one\r\ntwo\r\n", False),
        (b"one\r\n\n> ", False),  # a prompt
        (b"one\r\n\r\ntwo\n", False),  # an empty line: it could not be told what it belongs to
        (b"one\r\nand more", False),
    ],
)
def test_whether_lines_end_in_two_ways(data: bytes, two: bool) -> None:
    assert ends_in_two_ways(Framing("line", b"\r\n"), data) == two
    assert not ends_in_two_ways(Framing("line"), data)
