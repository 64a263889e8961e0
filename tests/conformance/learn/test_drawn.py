"""Dialects drawn from the format are served and learned: none comes out wrong. `ci/learn_drawn.py` draws thousands."""

from dataclasses import replace

import pytest

from socketserver_reference.conformance.dialects.dialect import Dialect, HandshakeTurn
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import first_contact
from socketserver_reference.conformance.learn.first_contact import PROBED_HEADERS
from tests.servers.dialects_served import DIALECTS
from tests.support.dialects.dialect_files import chat
from tests.support.dialects.drawn_dialects import difference, drawn_by_seed, learned_as


@pytest.fixture(autouse=True)
def _in_every_framing(quick_learning: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  # it comes first
    monkeypatch.setattr(first_contact, "PROBED_HEADERS", PROBED_HEADERS)


DRAWN = {
    "two questions and a history": """
        [delivery]
        template = "{sender}: {body}"
        to_sender = "sent at {any}"
        notices = ["-- member {any} is here --", "-- member {any} left --"]
        prompts = ["> "]
        history = 5
        [quit]
        word = "/quit"
        [limits]
        utterance = 64
        [[handshake]]
        wait = "name?\\n"
        send = "{name}\\n"
        [[handshake]]
        wait = "room? (red or blue)\\n"
        send = "red\\n"
        """,
    "a receipt, and nothing that ends a delivery": """
        [framing]
        out = "none"
        [delivery]
        template = "{body}"
        to_sender = "ok"
        [quit]
        word = "bye"
        """,
    "a length of 64 digits": """
        [framing]
        in = "length"
        header = "%-64d"
        [delivery]
        template = "[{sender}] {body}"
        to_sender = "nothing"
        """,
    "CR LF and a label twice": """
        [framing]
        in = "line"
        newline = "\\r\\n"
        [delivery]
        template = "{sender} ({sender}) says {body}!"
        to_sender = "ok"
        notices = ["* {any} has come", "* {any} has gone"]
        prompts = ["> "]
        [quit]
        word = "/leave"
        [bytes]
        handling = "cut-at-nul"
        """,
    "blank lines between, and only text": """
        [framing]
        in = "line"
        newline_out = "\\n\\n"
        [delivery]
        template = "{sender}: {body}"
        to_sender = "nothing"
        [quit]
        word = "/leave"
        [bytes]
        handling = "refused"
        [[handshake]]
        wait = "Your name? "
        send = "{name}\\n"
        """,
    "carriage returns in notices that newcomers hear themselves": """
        [framing]
        in = "line"
        [delivery]
        template = "{sender}: {body}"
        notices = ["* {any} has come\\r", "* {any} has gone\\r"]
        history = 5
        """,
    "an empty line for each who comes": """
        [framing]
        in = "line"
        [delivery]
        template = "{sender}: {body}"
        notices = ["", "{any} is gone"]
        [[handshake]]
        wait = "Welcome, number {any}\\n"
        """,
    "a line of one blank for each who comes": """
        [framing]
        in = "line"
        [delivery]
        template = "{sender}: {body}"
        notices = [" ", "{any} is gone"]
        [[handshake]]
        wait = "Welcome, number {any}\\n"
        """,
    "a greeting that begins with its length": """
        [framing]
        in = "line"
        newline = "\\r\\n"
        [delivery]
        template = "{sender}: {body}"
        [[handshake]]
        wait = "21 is our lucky no.\\r\\n"
        """,
    "JSON, in which who said it stands last": """
        [framing]
        in = "line"
        [delivery]
        template = '{"text": "{body}", "at": "{any}", "sender": "{sender}"}'
        to_sender = "nothing"
        notices = ['{"joined": "{any}"}']
        history = 5
        [bytes]
        handling = "escaped"
        [[handshake]]
        wait = "Your name? "
        send = "{name}\\n"
        """,
    "lines in, lengths out": """
        [framing]
        in = "line"
        out = "length"
        header = "%03d"
        [delivery]
        template = "<user{sender}> {body}"
        to_sender = "ok"
        [quit]
        word = "/q"
        """,
}
"""Some that were drawn once: which dialect a seed draws differs between versions of Hypothesis."""


def outcome(dialect: Dialect) -> str:
    word, details = learned_as(dialect)
    return word if word in ("equal", "ambiguous") else f"{word}: {details}"


@pytest.mark.slow
@pytest.mark.parametrize("text", DRAWN.values(), ids=DRAWN)
def test_a_drawn_dialect_is_learned(text: str) -> None:
    assert outcome(chat(text)) in ("equal", "ambiguous")


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(1000, 1040))
def test_each_drawn_dialect_is_learned(seed: int) -> None:
    assert outcome(drawn_by_seed(seed)) in ("equal", "ambiguous")


def test_a_dialect_that_differs_is_wrong_and_one_that_cannot_be_told_apart_is_ambiguous() -> None:
    named = DIALECTS["named"]
    assert difference(named, named) == ({}, False)
    found, ambiguous = difference(named, replace(named, quit=b"bye"))
    assert (found, ambiguous) == ({"quit": (b"/quit", b"bye")}, False)
    labelled = [replace(named, template=Template(text)) for text in ("<user{sender}> {body}", "<{sender}> {body}")]
    assert difference(*labelled)[1]
    lengths = [replace(DIALECTS["lengths"], framing_out=Framing("none", header=header)) for header in ("%4d", "%04d")]
    assert difference(*lengths)[1]
    asked = [replace(named, handshake=(HandshakeTurn(send=Template(text)),)) for text in ("{name}", "{name}\n", "x\n")]
    assert difference(asked[0], asked[1])[1]
    assert difference(asked[0], asked[2]) == (
        {"handshake": (asked[0].handshake, (HandshakeTurn(send=Template("x")),))},
        False,
    )
