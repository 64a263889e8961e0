"""What a dialect makes of the clauses: those that say nothing, and those that are asked differently."""

import pytest

from socketserver_reference.conformance.dialects import effects
from socketserver_reference.conformance.dialects.dialect import Dialect
from tests.support.dialects.dialect_files import LINES, SILENT, WORDED, chat, echo


@pytest.mark.parametrize(
    ("dialect", "clause", "why"),
    [
        (chat(LINES + '[quit]\nword = ""'), "CHAT-8", "no quit word"),
        (chat('[framing]\nin = "line"\nout = "none"'), "CHAT-5", "nothing marks the end of a delivery"),
        (chat(LINES + "[limits]\nmembers = 50"), "CHAT-17", "at most 50 members"),
        (chat(LINES + "[limits]\njoin_gap = 1"), "CHAT-17", "1 s between two connections"),
        (chat(LINES + "[limits]\ngap = 0.5"), "CHAT-16", "0.5 s between two utterances"),
        (chat(LINES + '[limits]\nrate = "30/1"'), "CHAT-16", "at most 30 utterances of a client in 1 s"),
        (chat(LINES + '[limits]\njoin_rate = "199/1"'), "CHAT-17", "at most 199 connections in 1 s"),
        (chat('[waived]\nCHAT-15 = "not yet"'), "CHAT-15", "not yet"),
        (echo(LINES + '[echo]\nrequests = "many"'), "ECHO-4", "no longest request"),
        (echo(LINES), "ECHO-4", "marks where a request ends"),
        (echo("[limits]\nutterance = 100"), "ECHO-4", "no request of more than 100 bytes"),
        (echo('[echo]\ntransform = "upper"'), "ECHO-5", "does not strip"),
        (echo('[bytes]\nwhite_space = "stripped"'), "ECHO-5", "what becomes of white space"),
        (
            echo('[bytes]\nwhite_space = "stripped"\n[echo]\ntransform = "upper"'),
            "ECHO-5",
            "what becomes of white space",
        ),
        (echo('[echo]\nrequests = "many"'), "ECHO-5", "cannot be seen"),
        (echo('[datagrams]\nempty = "ignored"', "datagram"), "UDP-3", "empty datagrams"),
    ],
)
def test_a_clause_that_says_nothing_is_left_out_with_the_reason(dialect: Dialect, clause: str, why: str) -> None:
    assert why in effects.not_applicable(dialect)[clause]
    assert (clause in dialect.waived) != (clause in effects.meaningless(dialect))


@pytest.mark.parametrize(
    ("dialect", "clause", "what"),
    [
        (chat('[delivery]\ntemplate = "re:{body}"'), "CHAT-2", "a delivery is b're:{body}'"),
        (chat("[limits]\nchunk = 4096"), "CHAT-6", "a chunk has at most 4096 bytes"),
        (chat('[quit]\nword = "bye"'), "CHAT-7", "the quit word is b'bye'"),
        (chat(SILENT), "CHAT-2", "speakers do not hear themselves"),
        (chat(LINES + '[delivery]\nto_sender = "you: {body}"'), "CHAT-2", "its sender reads b'you: {body}'"),
        (chat(LINES + '[delivery]\nto_sender = "ok"'), "CHAT-4", "b'ok' passes, however often it comes"),
        (chat(LINES + '[delivery]\nnotices = ["* {any}"]'), "CHAT-4", "these notices pass: b'* {any}'"),
        (chat(LINES + '[delivery]\nprompts = ["> "]'), "CHAT-1", "these prompts pass: b'> '"),
        (chat(LINES + '[[handshake]]\nwait = "Hi"'), "CHAT-1", "an exchange first; all that precedes"),
        (chat(LINES + '[bytes]\nhandling = "cut-at-nul"'), "CHAT-3", "an utterance ends at a NUL"),
        (chat(LINES + '[bytes]\nwhite_space = "stripped"'), "CHAT-3", "white space around"),
        (chat(LINES + "[limits]\ngap = 0.5"), "CHAT-13", "as many as fit into 10 s with the gaps"),
        (chat(LINES + "[limits]\njoin_gap = 0.5"), "CHAT-5", "fewer repetitions"),
        (chat(LINES + '[limits]\nrate = "100/1"'), "CHAT-13", "with the gaps"),
        (chat(LINES + "[limits]\njoin_delay = 2"), "CHAT-9", "no earlier than 2 s after it has joined"),
        (chat(LINES), "CHAT-3", "clients send no carriage return"),
        (chat(LINES + '[bytes]\ncarriage_return = "verbatim"\n[commands]\nprefixes = []'), "CHAT-3", ""),
        (chat(LINES + '[commands]\nprefixes = ["/", "<join>"]'), "CHAT-3", "begins with b'/' or b'<join>'"),
        (
            chat('[framing]\nin = "length"\n[delivery]\ntemplate = "{body}"'),
            "CHAT-2",
            "b'{body}' behind its length (%4d)",
        ),
        (chat('[framing]\nin = "fixed"\nsize = 99'), "CHAT-2", "b'ack{body}', filled up with b' ' to 99 bytes"),
        (chat(LINES + '[commands]\nsay = "SAY {body}"'), "CHAT-2", "a client says b'SAY {body}\\n'"),
        (chat('[delivery]\ntemplate = "{body}!"'), "CHAT-5", "a client waits until it is heard"),
        (chat("[quit]\nline_end = false"), "CHAT-7", "the quit word has no line end"),
        (chat(), "CHAT-5", ""),
        (chat(), "CHAT-6", ""),
        (chat(LINES), "CHAT-6", "an utterance is one frame, of at most 70000 bytes"),
        (chat('[delivery]\ntemplate = "{body}"'), "CHAT-6", "an utterance is one line, of at most 1023 bytes"),
        (echo(LINES), "ECHO-2", "a request is b'{request}\\n', of at most 70000 bytes"),
        (echo("[limits]\nutterance = 50"), "ECHO-2", "a request has at most 50 bytes"),
        (echo("[limits]\nchunk = 50"), "ECHO-4", "a request has at most 50 bytes"),
        (echo('[bytes]\nhandling = "escaped"'), "ECHO-2", "all but printable ASCII"),
        (echo('[bytes]\nhandling = "escaped"', "datagram"), "UDP-1", "all but printable ASCII"),
        (echo('[echo]\nreply = "> {body}"'), "ECHO-2", "a reply is b'> {reply}'"),
        (echo('[echo]\nreply = "> {body}"', "datagram"), "UDP-1", "a reply is b'> {reply}'"),
        (echo('[quit]\nword = "bye"'), "ECHO-2", "no request is b'bye', in whichever case"),
        (echo('[quit]\nword = "bye"'), "ECHO-3", ""),
        (echo(LINES + '[quit]\nword = "bye"\n[echo]\nrequests = "many"'), "ECHO-3", r"b'bye\n' ends the stream"),
        (echo(WORDED), "ECHO-2", "a client waits for the reply before its next request"),
        (echo('[echo]\ngreeting = "hi"'), "ECHO-1", "goes through an exchange first"),
        (echo('[echo]\ntransform = "upper"\nrequests = "many"'), "ECHO-3", "answers everything"),
        (echo('[echo]\ntransform = "lower"', "datagram"), "UDP-1", "the transformation is lower"),
        (echo("[datagrams]\nlargest = 100", "datagram"), "UDP-4", "up to 100 bytes"),
    ],
)
def test_whatever_is_asked_differently_is_told(dialect: Dialect, clause: str, what: str) -> None:
    told = [changed for id, changed in effects.changes(dialect) if id == clause]
    assert any(what in one for one in told) if what else not told


def test_history_is_told_among_what_is_asked_differently() -> None:
    told = effects.changes(chat(LINES + "[delivery]\nhistory = 3"))
    assert ("CHAT-4", "a new client may hear up to 3 earlier deliveries first") in told
