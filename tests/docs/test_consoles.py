"""What a page shows of a command is what the command prints, or the site is not built."""

import pytest

from docs.derive import consoles
from docs.derive.consoles import WrongOutput, commands, matches, with_outputs


def block(*lines: str, above: str = "", language: str = "console") -> str:
    return "\n".join([*([above] if above else []), f"```{language}", *lines, "```"])


def test_a_command_without_output_is_shown_with_all_that_it_prints() -> None:
    assert with_outputs(f"before\n\n{block('$ echo one; echo two')}\n\nafter\n", "page") == (
        f"before\n\n{block('$ echo one; echo two', 'one', 'two')}\n\nafter\n"
    )


def test_what_is_said_on_a_busy_machine_alone_is_not_shown() -> None:
    told = with_outputs(block("$ echo waiting until it listens at home; echo one"), "page")
    assert told == block("$ echo waiting until it listens at home; echo one", "one")


def test_what_is_shown_stays_as_it_is_if_it_is_true() -> None:
    true = block("$ printf '1\\n2\\nin 3.5 s\\n'", "...", "in 0.1 s")
    assert with_outputs(true, "page") == true


@pytest.mark.parametrize("shown", ["two", "one\nthree", "...\none\ntwo\nthree", "two\none"])
def test_what_the_command_does_not_print_is_an_error(shown: str) -> None:
    with pytest.raises(WrongOutput, match="page: `echo one; echo two` prints"):
        with_outputs(block("$ echo one; echo two", *shown.split("\n")), "page")


def test_the_exit_status_is_compared() -> None:
    assert with_outputs(block("$ false", above="<!-- status: 1 -->"), "page") == block("$ false")
    for wrong in (block("$ false"), block("$ true", above="<!-- status: 1 -->"), block("$ false", "$ true")):
        with pytest.raises(WrongOutput, match="ends with status"):
            with_outputs(wrong, "page")


def test_a_command_that_does_not_end_is_an_error_and_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consoles, "COMMAND_TIMEOUT", 0.2)
    with pytest.raises(WrongOutput, match=r"page: `cat; mkfifo .* has not ended after 0\.2 s"):
        with_outputs(block("$ cat; mkfifo fifo; cat <fifo"), "page")


def test_the_blocks_of_a_page_share_a_folder_and_its_files() -> None:
    page = "\n\n".join(
        [
            block("print(6 * 7)", above="<!-- file: sums.py -->", language="python"),
            block("$ python sums.py"),
            block("print(6 * 8)", above="<!-- file: sums.py -->", language="python"),
            block("$ python \\", "    sums.py"),
        ]
    )
    written = with_outputs(page, "page")
    assert "$ python sums.py\n42\n" in written
    assert "$ python \\\n    sums.py\n48\n" in written
    assert "<!--" not in written
    assert "```{code-block} python\n:emphasize-lines: 1\n\nprint(6 * 8)\n```" in written


@pytest.mark.slow
def test_a_session_with_python_runs_against_the_server_of_its_block() -> None:
    server = "<!-- serve: python -m socketserver_faults.tutorial echo {port} -->"
    told = [">>> import socket", '>>> client = socket.create_connection(("127.0.0.1", 10007))']
    told += [">>> client.sendall(b'hi')", ">>> client.recv(10)"]
    assert "10007" in with_outputs(block(*told, "b'HI'", above=server, language="pycon"), "page")
    with pytest.raises(WrongOutput, match="goes otherwise"):
        with_outputs(block(*told, "b'hi'", above=server, language="pycon"), "page")


def test_a_block_that_does_not_begin_with_a_command_is_an_error() -> None:
    with pytest.raises(WrongOutput, match="stands above the first command"):
        commands("no command\n")


def test_lines_are_left_out_only_where_dots_stand() -> None:
    assert matches(["a", "...", "c"], ["a", "b", "c"])
    assert not matches(["a", "c"], ["a", "b", "c"])
    assert not matches(["a"], ["a", "b"])
    assert matches(["a", "..."], ["a", "b"])
    assert matches(["took 1 s"], ["took 22 s"])
