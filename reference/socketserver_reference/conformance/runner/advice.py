"""What to do about a server that does not speak the dialect it is checked in."""

import shlex
from typing import Any

from socketserver_reference.conformance.driver.dialect_fit import Misfit
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.targets.external import Running
from socketserver_reference.conformance.targets.launched import Launched


def learn_command(protocol: str, target: Any) -> str:
    """Return the command that learns the dialect of a server, or "" for one that no command reaches."""
    words = ["socketserver-reference", "learn", "echo" if protocol == "datagram" else protocol]
    if isinstance(target, str | Running):
        return shlex.join([*words, str(target)])
    if not isinstance(target, Launched):
        return ""
    at = [str(target.at)] if target.at is not None else []
    transport = ["--transport", target.transport] if target.transport else []
    return shlex.join([*words, *at, "--launch", target.command, *transport])


def told(misfit: Misfit, protocol: str, target: Any) -> list[str]:
    """Return the lines that tell of a misfit: the bytes side by side, and what to do."""
    command = learn_command(protocol, target)
    advice = f"learn its dialect: {printable(command)} > mine.toml" if command else "state its dialect in a TOML file"
    return [f"{misfit}:", *(f"  {line}" for line in misfit.lines()), f"{advice}; then check it with --dialect"]
