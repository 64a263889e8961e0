"""The `dialects` command: those that come along, and what one changes and leaves out."""

import pytest

from socketserver_reference.cli.main import main
from socketserver_reference.conformance.dialects.loader import bundled


def test_dialects_lists_those_that_come_along(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects"]) == 0
    blocks = [block.splitlines() for block in capsys.readouterr().out.split("\n\n")]
    assert [block[0] for block in blocks] == list(bundled())
    assert all([line.split()[0] for line in block[1:]] == ["speaks", "is", "verified"] for block in blocks)


def test_dialects_shows_one_with_what_it_changes_and_leaves_out(
    capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    file = f"{tmp_path}/mine.toml"
    text = 'protocol = "chat"  # \x85 \t\n[quit]\nword = ""\n[delivery]\ntemplate = "{body}"\n'
    with open(file, "w", encoding="utf-8", newline="") as writing:
        writing.write(text)
    assert main(["dialects", file]) == 0
    out = capsys.readouterr().out
    assert "  verified  against no server" in out
    assert "asked differently:\n  CHAT-2   a delivery is b'{body}\\n'" in out
    assert "\na conversation:\n" in out
    assert "not asked:\n  CHAT-7   the dialect has no quit word" in out
    assert '[quit]\nword = ""' in out
    assert "\x85" not in out
    assert main(["dialects", "note"]) == 0
    assert "it has no file" in capsys.readouterr().out
    assert main(["dialects", "go-chat"]) == 0
    assert "\na conversation (... is what only the server knows):\n" in capsys.readouterr().out


def test_dialects_refuses_what_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialects", "no-such"]) == 2
    assert "socketserver-reference dialects: no dialect is named" in capsys.readouterr().err
