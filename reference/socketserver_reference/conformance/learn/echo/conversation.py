"""The clients of an echo whose form is being learned: what they ask, and what comes back."""

from dataclasses import dataclass

from socketserver_reference.conformance.dialects.dialect import BODY_ALONE
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.learn.conversation import Conversation, HeardBytes
from socketserver_reference.conformance.scenario.transcript import Ending


@dataclass(frozen=True)
class EchoAnswer:
    """The reply to a request, and how the connection ended after it, if it did."""

    reply: bytes
    ended: Ending | None


class EchoConversation:
    """An echo, and the findings about its answers so far."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.greeting = ""
        self.framing = Framing()
        self.newline_out = b""
        """What ends the lines of the server."""
        self.form = BODY_ALONE
        """What stands around the reply."""
        self.fragile = False
        """Whether no client is answered once another has left; then each client gets a fresh server."""
        self._clients = 0

    def client(self) -> str:
        """Connect a client, and read its greeting, if there is one; return the client's name.

        A server that has died of an earlier client is started again.
        """
        if self.conversation.site.exit_report() or self.fragile:
            self.conversation.fresh()
        self._clients += 1
        who = f"client{self._clients}"
        self.conversation.join(who)
        if self.greeting:
            self.conversation.hear_greeting([who])
        return who

    def answer(self, who: str, data: bytes) -> EchoAnswer:
        """Send these bytes; return the reply."""
        self.conversation.say(who, data)
        reply = self.conversation.hear(lambda heard: bool(heard[who]) or who in self.conversation.ended)[who]
        return EchoAnswer(reply, self.conversation.ended.get(who))

    def ask(self, request: bytes, whole: bytes, behind: int = 0) -> EchoAnswer:
        """Have a new client send a request; return the reply, read until it is complete, with so many bytes behind it,
        or nothing more comes, without what stands around replies.
        """

        def over(heard: HeardBytes) -> bool:
            _, found, rest = heard[who].partition(whole)
            return who in self.conversation.ended or (bool(found) and len(rest) >= behind)

        who = self.client()
        self.conversation.say(who, self.framing.put(request) if self.framing.kind == "line" else request)
        reply = self.conversation.hear(over)[who]
        ended = self.conversation.ended.get(who)
        self.gone(who)
        return EchoAnswer(self.form.bare(reply), ended)

    def gone(self, who: str) -> None:
        """Disconnect a client, unless the server is not asked again after it."""
        if not self.fragile:
            self.conversation.leave(who)

    def bare(self, reply: bytes) -> bytes:
        """Return a reply without the end of its line."""
        return reply.removesuffix(self.newline_out)
