"""Chats that deliver what stands behind a command, and nothing else, in this process."""

from collections.abc import Callable
from dataclasses import dataclass

from socketserver_reference.conformance.targets.in_process import InProcess
from tests.servers import dialect_servers as servers


@dataclass(frozen=True)
class Commands:
    """The commands of a chat, and what it replies."""

    say: bytes
    """What stands before words."""
    login: bytes = b""
    """The command that a client comes in by; until then it may do nothing else."""
    unknown: bytes = b""
    """The reply to all other lines; {body} is the line."""
    early: bytes = b""
    """The reply to words that a client says by the command before it has come in."""
    bare: bool = False
    """Whether the command without words delivers none."""
    help: bytes = b""
    greeting: bytes = b""
    hear: Callable[[servers.Member], bytes | None] = servers.lines
    hangs_up: bool = False
    """Whether it sends a client away that says anything else."""


def room(commands: Commands) -> InProcess:
    """Return a chat with these commands, which calls clients by their number, or by the name of their login."""

    class Member(servers.Member):
        def stay(self, speech: servers.Speech) -> None:
            while commands.login:
                line = servers.lines(self)
                if line is None:
                    return
                if line.startswith(commands.login):
                    self.name = line.removeprefix(commands.login)
                    break
                if commands.early and line.startswith(commands.say):
                    self.wfile.write(commands.early)
                else:
                    self.wfile.write(commands.help if line == b"help" else commands.unknown.replace(b"{body}", line))
            super().stay(speech)

        def say(self, speech: servers.Speech, body: bytes) -> None:
            if body.startswith(commands.say):
                super().say(speech, body.removeprefix(commands.say))
            elif commands.bare and body == commands.say.strip():
                super().say(speech, b"")
            elif body in (b"help", b"/help") and commands.help:
                self.wfile.write(commands.help)
            else:
                self.wfile.write(commands.unknown.replace(b"{body}", body))
                if commands.hangs_up:
                    raise ConnectionAbortedError

    def make() -> servers.Chat:
        deliver = b"{name}: {body}\n" if commands.login else b"{number}: {body}\n"
        server = servers.Chat(
            servers.Speech(
                deliver=deliver,
                to_sender=deliver,
                greeting=commands.greeting,
                quit=b"QUIT",
                bye=b"BYE\n",
                hear=commands.hear,
            )
        )
        server.RequestHandlerClass = Member
        return server

    return InProcess(make)
