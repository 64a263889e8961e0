"""What a run is about, and what it plays for that."""

import pytest

from socketserver_reference.conformance.runner.options import Options
from socketserver_reference.conformance.runner.selection import chosen, plays, tellable

CHAT = ("CHAT",)
POLITELY, ABRUPTLY = "test_explore_politely", "test_explore_abruptly"


@pytest.mark.parametrize(
    ("options", "explored"),
    [
        (Options(), [POLITELY, ABRUPTLY]),
        (Options(only=["CHAT-7"]), [POLITELY, ABRUPTLY]),
        (Options(only=["CHAT-12"]), [ABRUPTLY]),
        (Options(only=["CHAT-16", "CHAT-17"]), []),
        (Options(profile="basic"), [POLITELY]),
        (Options(profile="hardened"), [ABRUPTLY]),
        (Options(profile="basic", only=["CHAT-12"]), []),
        (Options(examples=0), []),
    ],
)
def test_explored_is_what_can_break_a_chosen_clause(options: Options, explored: list[str]) -> None:
    assert [name for name in (POLITELY, ABRUPTLY) if plays(options, CHAT, name, None)] == explored


def test_a_check_is_played_for_its_clause_and_a_test_of_a_user_always() -> None:
    options = Options(only=["CHAT-7"], examples=0)
    assert plays(options, CHAT, "test_quit", "CHAT-7")
    assert not plays(options, CHAT, "test_quit", "CHAT-8")
    assert plays(options, CHAT, "test_of_my_own", None)


def test_a_profile_leaves_out_no_violation_and_only_does() -> None:
    assert "CHAT-12" not in chosen(Options(profile="basic"), CHAT)
    assert "CHAT-12" in tellable(Options(profile="basic"), CHAT)
    assert chosen(Options(only=["CHAT-12"]), CHAT) == tellable(Options(only=["CHAT-12"]), CHAT) == ["CHAT-12"]
