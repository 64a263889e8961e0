"""Dialects as files: those that come along load, and what is wrong is refused in one line that says what is right."""

import os
from pathlib import Path

import pytest

from socketserver_reference.clauses import CLAUSES
from socketserver_reference.conformance.dialects import effects, loader
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.dialects.loader import BUNDLED, BadDialect, bundled, find, load, read, spoken
from tests.support.dialects.refused_dialects import CHAT, REFUSED


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
        assert "learned from" not in dialect.about, f"{name}: say in `about` what it is"
        assert find(name) == dialect
        assert {clause for clause, _ in effects.changes(dialect)} | set(effects.not_applicable(dialect)) <= set(CLAUSES)


@pytest.mark.parametrize("file", sorted(BUNDLED.glob("*.toml")), ids=lambda file: str(file.stem))
def test_a_file_that_comes_along_begins_with_what_it_describes(file: Path) -> None:
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    assert first.startswith("# "), "describe the server in its first lines"
    assert "seems to speak" not in first, "describe the server in place of the first lines of `learn`"


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


@pytest.mark.parametrize(("text", "key", "right"), REFUSED)
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
        ("/dev/zero", "/dev/zero: is not a regular file: write one"),
    ],
)
def test_what_is_no_dialect_s_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(BadDialect) as refused:
        find(name)
    assert message in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "long.toml"
    file.write_bytes(b"#" * 100_001)
    with pytest.raises(BadDialect, match=r"long\.toml: is longer than 100000 bytes"):
        load(file)


def test_no_terminal_is_waited_for() -> None:
    ours, terminal = os.openpty()
    try:
        with pytest.raises(BadDialect, match="is not a regular file: write one"):
            load(Path(os.ttyname(terminal)))
    finally:
        os.close(ours)
        os.close(terminal)


def test_a_directory_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    before = os.listdir("/dev/fd")
    for _ in range(3):
        with pytest.raises(BadDialect):
            load(tmp_path)
    assert len(os.listdir("/dev/fd")) == len(before)


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
