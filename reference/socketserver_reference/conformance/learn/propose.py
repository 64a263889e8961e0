"""Proposes a dialect for a given server."""

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.learn.chat import learn_chat
from socketserver_reference.conformance.learn.conversation import Conversation
from socketserver_reference.conformance.learn.datagram import learn_datagrams
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, text
from socketserver_reference.conformance.learn.echo import learn_echo
from socketserver_reference.conformance.scenario.text import printable
from socketserver_reference.conformance.targets.base import Site

PROPOSED_NAME = "learned"
"""The name of a dialect that has no file yet."""


def propose(protocol: str, site: Site, name: str, timeout: float) -> tuple[str, str]:
    """Talk to a server; return a dialect file for it, and why the file is not a valid dialect yet, or "".

    Raises CannotLearn if nothing can be learned.
    """
    learned = LearnedDialect()
    if site.address.datagram:
        learn_datagrams(site, timeout, learned)
        silence = "a datagram that was sent later was answered"
    else:
        with Conversation(site, timeout) as conversation:
            (learn_chat if protocol == "chat" else learn_echo)(conversation, learned)
            silence = conversation.by_silence
    learned.learn("", "about", f"learned from {printable(name)}", "by talking to it; say more, if you know more")
    header = [f"What {name} seems to speak. Read the reasons before you rely on it. Where nothing came: {silence}."]
    written = text(learned, header)
    try:
        loader.read(written, PROPOSED_NAME, PROPOSED_NAME)
    except loader.BadDialect as error:
        return written, str(error)
    return written, ""
