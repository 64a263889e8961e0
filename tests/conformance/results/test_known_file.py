"""Lists of known failures that are not in order, each refused with what is wrong."""

from pathlib import Path

import pytest

from tests.support.checking import Checker
from tests.support.known_failures import entry


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("known = ", "FILE: is not TOML: Invalid value (at end of document); an entry is a line [[known]]"),
        pytest.param("known = " + "[" * 5000, "FILE: is not TOML: ", id="brackets"),
        ("[CHAT-12]\nreason = 'x'", "FILE: a list of known failures holds entries under `known` and nothing else"),
        ("known = 3", "FILE: a list of known failures holds entries under `known` and nothing else"),
        ("known = [3]", 'FILE, entry 1: an entry is a line [[known]] and below it, a line each, clause = "CHAT-12"'),
        (entry("CHAT-99"), "FILE:2: 'CHAT-99' is no clause; `socketserver-reference spec` lists them"),
        (entry("CHAT-1", ""), "FILE:2: reason has to be text, and not empty"),
        (entry("CHAT-1", since=3), "FILE:2: 'since' is no key of an entry; it has clause, reason, dialect, sometimes"),
        (entry("CHAT-1", sometimes=1), "FILE:2: sometimes has to be true or false"),
        ("[[known]]\nclause = 'CHAT-1'", "FILE:1: the entry has no reason"),
        (entry("CHAT-1") * 2, "FILE:6: CHAT-1 is listed already; once for each dialect is enough"),
        (entry("CHAT-1") + entry("CHAT-1", dialect="irc"), "FILE:6: CHAT-1 is listed already; once for each dialect"),
    ],
)
def test_a_list_that_is_not_in_order_is_refused(check: Checker, file: Path, text: str, message: str) -> None:
    file.write_text(text)
    assert message.replace("FILE", str(file)) in check.refusal("chat", "--known", file)


def test_a_list_in_json_is_refused_and_the_line_says_what_would_be_right(check: Checker, tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_text('{"known": [{"clause": "CHAT-8", "reason": "on purpose"}]}')
    line = check.refusal("chat", "--known", file)
    assert line.startswith(
        f"socketserver-reference check: {file}: is not TOML: Invalid statement (at line 1, column 1); "
    )
    assert line.endswith(
        '; an entry is a line [[known]] and below it, a line each, clause = "CHAT-12" and reason = "..."'
    )


def test_a_list_that_is_not_there_or_no_text_is_refused(check: Checker, file: Path) -> None:
    assert "No such file or directory; --update-known begins a list" in check.refusal("chat", "--known", file)
    file.write_bytes(b"\xff")
    assert f"{file}: is not UTF-8, at byte 0" in check.refusal("chat", "--known", file)
    assert "say which by --known FILE" in check.refusal("chat", "--update-known")
