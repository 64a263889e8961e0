"""What the tests of `learn` share: a proposal for a server, and what it says."""

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.dialect import NOTE, Dialect
from socketserver_reference.conformance.learn.propose import Proposal, propose
from socketserver_reference.conformance.targets.base import Target


def proposed(target: Target, protocol: str = "chat", timeout: float = 0.1, accepted: Sequence[str] = ()) -> str:
    """Return the proposal for a server, which must be a dialect that fits, and plain text."""
    proposal = propose(protocol, target, timeout, 10, accepted)
    assert not proposal.trouble, "\n".join([proposal.trouble, *proposal.evidence])
    text = proposal.text
    assert all(line.isprintable() for line in text.split("\n"))
    return text


def learned(target: Target, protocol: str = "chat", accepted: Sequence[str] = ()) -> Dialect:
    """Return the dialect that is proposed for a server."""
    return loader.read(proposed(target, protocol, accepted=accepted), "learned", "learned")


def unfit(target: Target, protocol: str = "chat") -> Proposal:
    """Return the proposal for a server, which must not fit, and says so."""
    proposal = propose(protocol, target, 0.1, 10)
    assert proposal.trouble
    assert proposal.evidence
    loader.read(proposal.text, "learned", "learned")  # it is valid as far as it goes
    return proposal


def differences(dialect: Dialect) -> dict[str, Any]:
    """Return what is said that is not so in the reference's dialect."""
    told = {one.name: getattr(dialect, one.name) for one in fields(Dialect)}
    same = ["name", "about", "verified", "protocols", "commands"]
    if "chat" not in dialect.protocols and not dialect.quit:
        same += ["quit", "quit_framed"]
    return {key: value for key, value in told.items() if key not in same and value != getattr(NOTE, key)}


def reason(text: str, key: str) -> str:
    """Return the comment above a key."""
    found = re.search(rf"((?:^# .*\n)+)(?:# )?{key} = ", text, re.MULTILINE)
    assert found, f"{key} has no reason in\n{text}"
    return re.sub(r"\n#\s+", " ", found.group(1).strip())
