"""`check family`: it takes a profile and clauses, and neither a target nor a dialect."""

from tests.support.checking import Checker


def test_a_dialect_says_nothing_of_the_classes_of_this_python(check: Checker) -> None:
    outcome = check("family", "--dialect", "rfc862", json_too=False)
    assert (outcome.code, outcome.err) == (
        2,
        "socketserver-reference check: --dialect says how a server speaks, but family checks the classes of this "
        "Python\n",
    )


def test_the_family_is_checked_by_name_and_conforms(check: Checker) -> None:
    outcome = check("family", "--only=SRV-6", "--timeout=7")
    assert outcome.code == 0
    assert outcome.clauses_that("holds") == ["SRV-6"]
    assert "  ForkingEchoOverUdp                 1 holds" in outcome.out.splitlines()


def test_the_family_takes_no_target(check: Checker) -> None:
    outcome = check("family", "tcp://127.0.0.1:1", json_too=False)
    assert outcome.code == 2
    assert outcome.err.endswith("family checks the socketserver classes of this Python and takes no target\n")
