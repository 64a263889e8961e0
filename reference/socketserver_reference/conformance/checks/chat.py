"""The chat: a directed scenario for every CHAT clause, as a class that others subclass.

    class TestMine(ChatConformance):
        target = Launched("node server.js {port}")

Each check is one story. In the basic ones clients connect, speak and leave one at a time; in the hardened ones they
overlap, reset and stall. The next utterance shows what a clause forbids: an unexpected byte before its delivery is a
violation, so no check waits for silence.

The checks stand in the base classes, by topic, and the last base comes first. Abrupt checks come late, for a server
that cannot be restarted. CHAT-17 to CHAT-20, each a SHOULD whose checks take long, come last, for a server that makes
the suite run out of time.
"""

from socketserver_reference.conformance.checks.base import Conformance, Explore
from socketserver_reference.conformance.checks.chat_basic import BasicChat
from socketserver_reference.conformance.checks.chat_crowds import (
    LeavingCrowdChat,
    ManyMembersChat,
    ManyVisitsChat,
    RestartedChat,
    RestingChat,
)
from socketserver_reference.conformance.checks.chat_frames import FramesChat, RudeFramesChat
from socketserver_reference.conformance.checks.chat_handshake import HandshakeChat, RudeHandshakeChat
from socketserver_reference.conformance.checks.chat_hardened import HardenedChat
from socketserver_reference.conformance.dialects import rewrite
from socketserver_reference.conformance.dialects.dialect import Dialect
from socketserver_reference.conformance.oracles.framed_chat import FramedChatOracle
from socketserver_reference.conformance.oracles.stream_chat import StreamChatOracle
from socketserver_reference.conformance.scenario.steps import Say, join


def oracle_for(dialect: Dialect) -> StreamChatOracle | FramedChatOracle:
    """Return the oracle of a scenario: one for unframed deliveries, or one for framed ones."""
    return StreamChatOracle(dialect) if dialect.stream else FramedChatOracle(dialect)


class ExploredChat(Conformance):
    """Runs of polite clients: after the scenarios that decide a clause each, before abrupt clients harm the server."""

    def test_explore_politely(self, explore: Explore) -> None:
        explore("basic")


class ChatConformance(
    RestartedChat,
    ManyVisitsChat,
    ManyMembersChat,
    RestingChat,
    LeavingCrowdChat,
    RudeFramesChat,
    RudeHandshakeChat,
    HardenedChat,
    ExploredChat,
    FramesChat,
    HandshakeChat,
    BasicChat,
):
    """See the module."""

    protocol = "chat"
    groups = ("CHAT",)
    oracle = oracle_for
    rewriter = rewrite.chat_rewriter
    health_check = (*join("first"), Say("first", b"hello"))
    health_clause = "CHAT-2"

    def test_explore_abruptly(self, explore: Explore) -> None:
        explore("hardened")
