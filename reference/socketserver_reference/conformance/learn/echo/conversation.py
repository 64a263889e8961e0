"""The clients of an echo whose form is being learned: what they ask, and what comes back."""

from dataclasses import dataclass

from socketserver_reference.conformance.dialects.dialect import BODY_ALONE
from socketserver_reference.conformance.dialects.framing import Framing
from socketserver_reference.conformance.learn.conversation import CannotLearn, Conversation, HeardBytes
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
        """Whether no client is answered once others have left; then each client gets a fresh server."""
        self.worn_out_by = 0
        """The number of clients that had come when that was found out, if more than one was answered; otherwise 0."""
        self._clients = 0
        self.served = 0
        """The number of clients that have connected to this server."""

    def client(self) -> str:
        """Connect a client, and read its greeting, if there is one; return the client's name.

        A server that has died of an earlier client, or into which no other comes then, is started again.
        """
        if self.conversation.site.exit_report() or self.fragile:
            self.fresh()
        try:
            return self.connect()
        except CannotLearn:
            if self.served < 1 or not self.conversation.restarts or self.fragile:
                raise
            self.wear_out(self.served)
            return self.connect()

    def connect(self) -> str:
        """Connect a client to the server as it is; raise CannotLearn if that fails."""
        self._clients += 1
        who = f"client{self._clients}"
        self.conversation.join(who)
        self.served += 1
        if self.greeting:
            self.conversation.hear_greeting([who])
        return who

    def fresh(self) -> None:
        """Begin again without clients, if possible with a fresh server."""
        self.conversation.fresh()
        self.served = 0

    @property
    def may_be_worn_out(self) -> bool:
        """Whether others came before the client that is not served, and a fresh server shows whether that is why."""
        return self.served > 1 and self.conversation.restarts and not self.fragile

    def wear_out(self, clients: int) -> None:
        """Note that so many clients were the last that are served, and begin again: from now on, each client gets a
        fresh server.
        """
        self.fragile = True
        self.worn_out_by = clients
        self.fresh()

    def answer(self, who: str, data: bytes) -> EchoAnswer:
        """Send these bytes; return the reply."""
        self.conversation.say(who, data)
        reply = self.conversation.hear(lambda heard: bool(heard[who]) or who in self.conversation.ended)[who]
        return EchoAnswer(reply, self.conversation.ended.get(who))

    def ask(self, request: bytes, whole: bytes, behind: int = 0) -> EchoAnswer:
        """Have a new client send a request; return the reply, read until it is complete, with so many bytes behind it,
        or nothing more comes, without what stands around replies.

        What nothing answers is asked again of a fresh server, if clients have left this one.
        """
        answer = self.ask_once(request, whole, behind)
        if not (answer.reply or answer.ended) and self.may_be_worn_out:
            others = self.served - 1
            self.fresh()
            answer = self.ask_once(request, whole, behind)
            if answer.reply:
                self.wear_out(others)
        return answer

    def ask_once(self, request: bytes, whole: bytes, behind: int = 0) -> EchoAnswer:
        """Have a new client send a request, as `ask` does, to the server as it is."""

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
