"""Explains what goes wrong in a chat: what was due, what came, under which circumstances, and so whose clause.

`alignment.py` says what happened where something came; where nothing did, or the stream ended, it is said here.
`attribution.py` says whose clause that is.
"""

import errno
import os
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from socketserver_reference.conformance.oracles import attribution
from socketserver_reference.conformance.oracles.alignment import Difference, told
from socketserver_reference.conformance.oracles.chat_room import ChatOracle, MemberT
from socketserver_reference.conformance.scenario.text import MAX_OBSERVED_BYTES, common_prefix, show, show_against
from socketserver_reference.conformance.scenario.transcript import ENDINGS, Ending
from socketserver_reference.conformance.scenario.violation import Finding, Shape

CROWD_CLIENTS = 50
"""Clients at one time, beyond which there is a crowd, however they have come."""

UNSAID_BYTES = 4096
"""Bytes beyond what was said that no notice has."""

FLOOD_FRAMES = 10
"""So often the same frame comes only from a server that sends it again and again."""

DELAYS = ("stalled", "concurrent")
"""Disruptions by which a server may be delayed."""

NOBODY_LISTENS = tuple(os.strerror(one).lower() for one in (errno.ECONNREFUSED, errno.ENOENT))
"""Why a client cannot connect where no server is."""

DEPARTURES = ("reset", "half-closed", "left")
"""Disruptions by which a client leaves."""


class ChatFindings(ChatOracle[MemberT]):
    """See the module."""

    # What is different where deliveries are told apart in another way

    @abstractmethod
    def _wanted(self, who: str) -> list[bytes]:
        """Return what the client must read next, of each speaker, as it reads that."""

    @abstractmethod
    def _begun(self, who: str) -> int:
        """Return how many bytes of a delivery have come to the client since the last whole one."""

    @abstractmethod
    def _number(self, who: str) -> str:
        """Return which delivery is due to the client next: "delivery 41 of 44"."""

    # What is wrong

    def explain_silence(self, who: str) -> Finding:
        """Explain that nothing came, though bytes were expected."""
        wanted, begun = self._wanted(who), self._begun(who)
        shape: Shape = "cut" if begun else "missing"
        space = all(one.removeprefix(self.dialect.prefix).isspace() for one in wanted)
        if wanted and space and self.dialect.stream:  # the server strips what clients say
            shape = "altered"
        if self.members[who].leaving and not wanted:
            shape = "no end"
        return self._absence(who, shape, f"{who} reads nothing")

    def explain_refusal(self, who: str, why: str) -> Finding:
        """Explain that a client could not connect."""
        # It is the system that connects, even while the server is delayed; where nobody listens, the server has ended.
        by_delay = bool(self.dialect.handshake) or why in NOBODY_LISTENS
        finding = self._end_of_service("refused", f"{who} connects", f"{who} cannot connect: {why}", by_delay=by_delay)
        return replace(finding, absent=True)  # it may only take longer than the timeout

    def explain_death(self, expected: str) -> Finding:
        """Explain that the server has ended when all had left, and no client has seen why: it survived all else."""
        for disruptions in (self.active_disruptions, self.all_disruptions):
            disruptions[:] = [one for one in disruptions if one in DEPARTURES]
        return self._end_of_service("died", expected, "it ended")

    def _explain_end(self, who: str, how: Ending) -> Finding:
        """Explain that a stream has ended too early, or not as it must."""
        return self._absence(who, "early end", f"{who} reads {ENDINGS[how]}")

    def _absence(self, who: str, shape: Shape, observed: str) -> Finding:
        leaving = self.members[who].leaving
        reads = " or ".join(show(one) for one in self._wanted(who)) or ("end of stream" if leaving else "")
        reads = reads or ("what the others say" if shape == "missing" else "")
        expected = f"{who} reads {reads}" if reads else f"{who} stays connected"
        finding = self._finding(who, Difference(shape, b"", self._begun(who)), self._unheard(who), expected, observed)
        # A connection that has ended and is not released may delay the others: its thread may use all processor time.
        delayed_by = ("CHAT-10",) if not leaving and {"reset", "left"} & {*self.active_disruptions} else ()
        return replace(finding, absent=True, delayed_by=delayed_by)

    def _explain(
        self, who: str, found: Difference, came: bytes, wanted: Sequence[bytes], *, often: bool = False
    ) -> Finding:
        """Explain bytes that the client should not have read; `often` says that they came again and again."""
        expected = f"{who} reads {' or '.join(show_against(one, came) for one in wanted)}"
        closest = max(wanted, key=lambda one: common_prefix(one, came), default=b"")
        observed = f"{who} reads {show_against(came, closest, MAX_OBSERVED_BYTES)}"
        due = found.due or self._unheard(who)
        much = often or len(came) > UNSAID_BYTES + max(self._owed(who), sum(map(len, wanted)))
        finding = self._finding(who, found, due, expected if wanted else "nothing is sent", observed, much=much)
        return replace(finding, extra=came) if found.shape == "extra" else finding

    def _finding(
        self, who: str, found: Difference, utterance: bytes, expected: str, observed: str, *, much: bool = False
    ) -> Finding:
        facts = [*self.circumstances(who), *attribution.kinds(utterance, self.dialect)]
        facts += ["flooded"] if much and {*DEPARTURES} & {*self.all_disruptions} else []
        facts += ["in pieces"] if utterance.endswith(tuple(self.in_pieces)) else []
        clauses = attribution.clauses(attribution.CHAT_ROWS, found.shape, facts)
        place = told(found.shape, who, self._number(who), found.same)
        # no harm that others did makes a server say a quit
        also = () if found.shape == "quit delivered" else self._late()
        if found.shape == "empty" and self.dialect.stream and self._anybody_says(self.dialect.prefix):
            also += ("CHAT-5",)  # in another order, what begins a delivery comes right before one
        return Finding(clauses, expected, observed, found.shape, place, also=also)

    def _anybody_says(self, what: bytes) -> bool:
        return any(what in said for member in self.members.values() for said in member.said)

    def _end_of_service(self, shape: Shape, expected: str, observed: str, *, by_delay: bool = True) -> Finding:
        """Explain that nobody is served any more, where what delays a server may be the cause, or not."""
        facts: list[attribution.Circumstance] = [*reversed(self.active_disruptions), *reversed(self.all_disruptions)]
        if not by_delay:
            facts = [one for one in facts if one not in DELAYS]
        if len(self.members) == 1 and self.fresh and self._nothing_said():
            facts.append("first")
        clauses = attribution.clauses(attribution.CHAT_ROWS, shape, facts)
        return Finding(clauses, expected, observed, shape)

    def circumstances(self, who: str) -> list[attribution.Circumstance]:
        """Return under which circumstances a client reads, the latest disruption first."""
        member, wanted = self.members[who], self._wanted(who)
        gone = [one for name, one in self.members.items() if name != who and one.leaving == "half-close" and one.said]
        found: list[attribution.Circumstance] = [
            *reversed(member.disruptions_at_leave if member.leaving else self.active_disruptions)
        ]
        roles: dict[attribution.Circumstance, bool] = {
            "concurrent": len(self.outstanding()) > 1 and "concurrent" not in found,
            "crowded": sum(not one.gone for one in self.members.values()) > CROWD_CLIENTS and "crowded" not in found,
            "quits": member.leaving == "quit",
            "half-closes": member.leaving == "half-close",
            "lurks": not member.proven,
            "was slow": member.lagged or member.owed_at_resume > 0,
            "last words": any(one.said[-1] in due for one in gone for due in wanted),
            "unspoken to": not member.heard_any,
            "at once": self._nothing_said(),
            "first": self._nothing_said() and self.fresh,
        }
        return [*found, *(role for role, has in roles.items() if has)]

    def _nothing_said(self) -> bool:
        return not any(one.said for one in self.members.values())

    def _late(self) -> tuple[str, ...]:
        """Return the clauses about earlier disruptions, which may show only now."""
        late = [attribution.CLAUSE_OF_DISRUPTION[disruption] for disruption in reversed(self.all_disruptions)]
        # To be cut off is to leave, too; and others have left before this scenario: a newcomer may have to pay for it.
        others_left = not self.in_order or {"reset", "stalled"} & set(self.all_disruptions)
        return (*late, *(["CHAT-11"] if others_left else []))

    def _unheard(self, who: str) -> bytes:
        """Return what was said and not heard by all yet: by the pending speakers, or last by the client itself."""
        return b"".join(data for name in self.outstanding() or [who] for data in self.members[name].said)
