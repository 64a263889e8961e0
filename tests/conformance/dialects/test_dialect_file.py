"""Dialects as files: those that come along load, and what is wrong is refused in one line that says what is right."""

from pathlib import Path

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects import effects, loader
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.loader import BUNDLED, BadDialect, bundled, find, load, read, spoken

CHAT = 'protocol = "chat"\n'
ECHO = 'protocol = "echo"\n'
DATAGRAM = 'protocol = "datagram"\n'


def refusal(text: str) -> str:
    """Return how a dialect's text is refused: one line, which begins with where it came from."""
    with pytest.raises(BadDialect) as refused:
        read(text, "mine", "mine.toml")
    message = str(refused.value)
    assert message.startswith("mine.toml: ")
    assert message.isprintable()
    return message.removeprefix("mine.toml: ")


def test_all_that_come_along_load_and_say_what_they_are() -> None:
    dialects = bundled()
    assert next(iter(dialects)) == "note"
    assert set(dialects) == {"note", *(file.stem for file in BUNDLED.glob("*.toml"))}
    for name, dialect in dialects.items():
        assert dialect.name == name
        assert dialect.about
        assert find(name) == dialect
        assert {clause for clause, _ in effects.changes(dialect)} | set(effects.not_applicable(dialect)) <= set(CLAUSES)


def test_what_is_not_said_is_as_in_the_reference_s_dialect() -> None:
    plain = read(CHAT, "plain", "plain.toml")
    assert plain.stream
    assert (plain.template, plain.quit, plain.chunk, plain.limits) == (
        NOTE.template,
        NOTE.quit,
        NOTE.chunk,
        NOTE.limits,
    )
    assert effects.changes(plain) == []
    assert effects.not_applicable(plain) == {}


@pytest.mark.parametrize(
    ("text", "key", "right"),
    [
        ("", "protocol is missing", 'write protocol = "chat"'),
        ("protocol = 3", "protocol = 3", '"chat", "echo", "datagram" or ["echo", "datagram"]'),
        ('protocol = "smtp"', 'protocol = "smtp"', '"chat"'),
        ('protocol = ["chat", "echo"]', "protocol = ", '["echo", "datagram"]'),
        ("protocol =", "is not TOML", "Invalid value"),
        ("a = " + "9" * 5000, "is not TOML", "digits"),
        ("a = " + "[" * 5000, "is not TOML", "recursion"),
        (CHAT + "colour = 1", "colour: no such key", "[framing], [delivery]"),
        (CHAT + '"\\u001b[2J" = 1', "\\x1b[2J: no such key", "protocol, about"),
        (CHAT + "about = 3", "about = 3", "a text in quotation marks"),
        (CHAT + 'about = "a\\u001b"', "about = ", "without control characters"),
        (CHAT + 'verified = "ncat"', "verified = ", "a list of at most 50 texts"),
        (CHAT + 'verified = ["a\\nb"]', "verified = ", "on one line"),
        (CHAT + "framing = 1", "framing is not a table", "write [framing]"),
        (CHAT + "[framing]\nout-ward = 1", "framing.out-ward: no such key", "in, out, newline"),
        (CHAT + '[framing]\nin = "lines"', 'framing.in = "lines"', '"chunk" or "line"'),
        (CHAT + '[framing]\nin = "none"', 'framing.in = "none"', '"length"'),
        (CHAT + '[framing]\nnewline = ""', 'framing.newline = ""', "1 to 8 bytes"),
        (CHAT + '[framing]\nin = "fixed"', "framing.size is missing", "in bytes"),
        (CHAT + '[framing]\nin = "fixed"\nsize = true', "framing.size = true", "a whole number from 2"),
        (CHAT + '[framing]\nin = "fixed"\nsize = 100\npad = "ab"', 'framing.pad = "ab"', "1 byte"),
        (CHAT + "[framing]\nsize = 100", "framing.size applies to", '"fixed"'),
        (CHAT + '[framing]\nheader = "%4d"', "framing.header applies to", '"length"'),
        (CHAT + '[framing]\nin = "length"\nheader = "%s"', "framing.header = ", "%04d"),
        (CHAT + '[framing]\nin = "length"\nheader = "%1d"', "framing and limits leave", "distinct ones need 40"),
        (CHAT + '[framing]\nin = "line"\nout = "fixed"\nsize = 41', "framing and limits leave", "framing.size"),
        (CHAT + "handshake = 1", "handshake is not a list", "[[handshake]]"),
        (CHAT + "[[handshake]]\n", "handshake, exchange 1", "wait, send or both"),
        (CHAT + "handshake = [1]", "handshake, exchange 1", "wait, send or both"),
        (CHAT + '[[handshake]]\nwait = "{name}"', "handshake.wait = ", "{any}"),
        (CHAT + '[[handshake]]\nsend = "{any}"', "handshake.send = ", "{name}"),
        (CHAT + '[delivery]\ntemplate = "hello"', "delivery.template = ", "contains {body}"),
        (CHAT + '[delivery]\ntemplate = "{who}: {body}"', "{who} is not a field here", "{body}, {sender}, {any}"),
        (CHAT + '[delivery]\ntemplate = "{body}{body}"', "{body} occurs twice", "once"),
        (CHAT + '[delivery]\ntemplate = "{body} {any}"', "a field follows {body}", "put the field before it"),
        (CHAT + '[delivery]\ntemplate = "{any} {any} {any} {body}"', "{any} occurs 3 times", "at most 2 times"),
        (CHAT + '[delivery]\ntemplate = "{any}{sender}: {body}"', "where {any} ends", "something between"),
        (CHAT + f'[delivery]\ntemplate = "{"x" * 1000}{{body}}"', "at most 1000 bytes", "1006"),
        (CHAT + '[delivery]\nto_sender = ""', "delivery.to_sender = ", "more than fields"),
        (CHAT + '[delivery]\nto_sender = "{any}"', "delivery.to_sender = ", "matches any line"),
        (CHAT + "[delivery]\nto_sender = 1", "delivery.to_sender = 1", "a text"),
        (CHAT + '[delivery]\nnotices = "x"', "delivery.notices = ", "a list"),
        (CHAT + '[delivery]\nnotices = ["{any} {any}"]', "delivery.notices = ", "matches any line"),
        (CHAT + '[delivery]\ntemplate = "{sender}: {body}"\nnotices = ["{any}: {any}"]', "every delivery", "more"),
        (CHAT + '[delivery]\nnotices = ["joined\\n"]', 'delivery has "joined\\n"', "write it without"),
        (CHAT + '[delivery]\nto_sender = "ok\\n"', 'delivery has "ok\\n"', "write it without"),
        (CHAT + '[delivery]\nprompts = [""]', "delivery.prompts = ", "non-empty"),
        (CHAT + '[delivery]\nprompts = [">", "> "]', "delivery.prompts: ", "begins with"),
        (CHAT + '[delivery]\nto_sender = "ok"\ntemplate = "{body}!"', "text after {body}", 'framing.in = "chunk"'),
        (CHAT + '[framing]\nin = "length"\n[delivery]\nprompts = ["> "]', "delivery.prompts", "need lines"),
        (CHAT + '[framing]\nin = "line"\nout = "none"\n[delivery]\nnotices = ["x"]', "delivery.notices", "no end"),
        (CHAT + "[quit]\nword = 1", "quit.word = 1", "a text"),
        (CHAT + '[quit]\nword = " bye"', "quit.word has white space", "without"),
        (CHAT + '[framing]\nin = "line"\n[quit]\nword = "a\\nb"', "quit.word fits into no utterance", "at most 40"),
        (CHAT + "[limits]\nmembers = 3", "limits.members is too low", "at least 4"),
        (CHAT + "[limits]\nutterance = 39", "framing and limits leave 39", "distinct ones need 40"),
        (CHAT + "[limits]\nutterance = -1", "limits.utterance = -1", "a whole number from 0"),
        (CHAT + "[limits]\ngap = nan", "limits.gap = nan", "seconds from 0 to 60"),
        (CHAT + "[limits]\ngap = true", "limits.gap = true", "seconds"),
        (CHAT + "[limits]\nchunk = 15", "limits.chunk = 15", "from 16"),
        (CHAT + '[bytes]\nhandling = "mangled"', "bytes.handling", '"cut-at-nul"'),
        (CHAT + "[echo]", "[echo] applies to echo and datagram", "protocol is chat"),
        (ECHO + "[quit]", "[quit] applies to chat", "protocol is echo"),
        (DATAGRAM + "[framing]", "[framing] applies to chat and echo", "datagram"),
        ('protocol = ["echo", "datagram"]\n[framing]\nin = "line"', "framing applies to", "of its own"),
        (ECHO + '[echo]\nrequests = "many"', 'echo.requests = "many"', "another transform"),
        (ECHO + '[echo]\ntransform = "rot13"', 'echo.transform = "rot13"', '"swap-case"'),
        (DATAGRAM + "[datagrams]\nlargest = 70000", "datagrams.largest", "65507"),
        (CHAT + "waived = 1", "waived is not a table", 'CHAT-17 = "why"'),
        (CHAT + '[waived]\nCHAT-2 = "no"', "waived.CHAT-2: every working server keeps this clause", "known failure"),
        (CHAT + '[waived]\nCHAT-99 = "no"', "waived.CHAT-99: not a clause", "CHAT-3"),
        (CHAT + '[waived]\nECHO-4 = "no"', "waived.ECHO-4: not a clause", "CHAT-17"),
        (CHAT + '[waived]\nCHAT-15 = " "', "waived.CHAT-15", "write the reason"),
        (CHAT + "[waived]\nCHAT-15 = 1", "waived.CHAT-15 = 1", "a text"),
        (CHAT + f'[waived]\nCHAT-15 = "{"long " * 50}\\u001b"', "...", "control characters"),
    ],
)
def test_what_cannot_be_is_refused_with_the_key_and_what_would_be_right(text: str, key: str, right: str) -> None:
    message = refusal(text)
    assert key in message
    assert right in message


def test_a_file_s_name_is_its_dialect_s(tmp_path: Path) -> None:
    file = tmp_path / "my chat.toml"
    file.write_text(CHAT)
    assert load(file).name == "my chat"
    assert find(str(file)) == load(file)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-such", "no dialect is named 'no-such': write one of note, asyncio-chat"),
        ("\x1b[2J" + "x" * 300, "no dialect is named '\\x1b[2J"),
        ("no/such.toml", "cannot read no/such.toml: No such file or directory"),
        (str(BUNDLED) + "/", f"cannot read {BUNDLED}: Is a directory"),
        ("/dev/zero", "/dev/zero: is longer than 100000 bytes"),
    ],
)
def test_what_is_no_dialect_s_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(BadDialect) as refused:
        find(name)
    assert message in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bad\x1b.toml"
    file.write_bytes(b"about = '\xff'")
    with pytest.raises(BadDialect, match=r"bad\\x1b\.toml: is not UTF-8"):
        load(file)


def test_a_dialect_is_spoken_for_its_protocol_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def speaking(text: str) -> Dialect:
        dialect = read(text, "mine", "mine.toml")
        monkeypatch.setattr(loader, "find", lambda _: dialect)
        return dialect

    speaking(CHAT)
    with pytest.raises(BadDialect, match="the dialect mine is one of chat, not of echo"):
        spoken("mine", "echo", any_segmentation=False)
    assert not spoken("mine", "chat", any_segmentation=True).exact
    speaking(CHAT + '[framing]\nin = "line"')
    assert spoken("mine", "chat", any_segmentation=True).exact
    speaking(CHAT + '[delivery]\ntemplate = "{body}"')
    with pytest.raises(BadDialect, match="delivers each chunk as it comes"):
        spoken("mine", "chat", any_segmentation=True)
