"""Keys of a dialect from the meeting of three clients in a chat: handshake, deliveries, notices."""

from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, quoted
from socketserver_reference.conformance.learn.first_contact import MEETING_NAMES
from socketserver_reference.conformance.learn.framing import MAX_AROUND_BYTES
from socketserver_reference.conformance.learn.room import LISTENER, MAX_NOTICE_BYTES, RoomConversation


def conclude_handshake(room: RoomConversation, learned: LearnedDialect) -> None:
    """Note what the server sent before any utterance, and whether the first word was a name."""
    arrivals = room.meeting.arrivals.values()
    greetings = [arrival.greeting for arrival in arrivals]
    if room.named:
        _conclude_names(room, learned, greetings, [arrival.reply for arrival in arrivals])
        return
    told, _ = room.notices()
    heard = [one.splitlines(keepends=True) for one in greetings]
    own = [[line for line in one if not _is_among(line, told)] for one in heard]
    if all(own):
        wait = _template(room, [one[-1] for one in own])
        learned.exchange(wait=(wait, f"a client was greeted by {quoted(greetings[-1])}"))
    elif any(own):
        room.lines["joining"] |= {line.rstrip(b"\r\n"): None for one in own for line in one}
        learned.remarks.append("Some clients were greeted and others were not; the greetings are among the notices.")


def _conclude_names(
    room: RoomConversation, learned: LearnedDialect, greetings: list[bytes], replies: list[bytes]
) -> None:
    name = "{name}" + room.said.newline.decode()
    saw = f"the first word of each, {quoted(MEETING_NAMES[-1].encode())} for one, was not delivered as those after it"
    if room.template.has_sender and any(MEETING_NAMES[0].encode() in one.data for one in room.meeting.deliveries()):
        saw += ", and stood in front of them: it is taken for a name"
    else:
        saw += ": perhaps it is a name, or a password; this is a guess"
    if room.said.kind in ("fixed", "length"):
        learned.remarks.append(f"A handshake cannot be written down in frames, and there is one: {saw}.")
    elif all(greetings):
        wait = _template(room, [one.splitlines(keepends=True)[-1] for one in greetings])
        learned.exchange(wait=(wait, f"a client is asked: {quoted(greetings[-1])}"), send=(name, saw))
    else:
        learned.exchange(send=(name, saw))
    if all(replies) and room.said.kind not in ("fixed", "length"):
        wait = _template(room, [one.splitlines(keepends=True)[-1] for one in replies])
        learned.exchange(wait=(wait, f"it was answered by {quoted(replies[-1])}"))


def _is_among(line: bytes, told: list[str]) -> bool:
    return any(Template.parse(one, "any").matches(line.rstrip(b"\r\n")) for one in told)


def _template(room: RoomConversation, lines: list[bytes]) -> str:
    ends = [line[-MAX_NOTICE_BYTES:] for line in lines]
    return patterns.template(patterns.align([*map(patterns.reader(room.varying), ends)]))


def conclude_delivery(room: RoomConversation, learned: LearnedDialect) -> None:
    """Note how an utterance reaches the others, and what its speaker receives."""
    first, last = room.meeting.utterances[0], room.meeting.utterances[-1]
    saw = [f"{one.speaker}'s {quoted(one.text)} came as {quoted(one.heard[LISTENER])}" for one in (first, last)]
    if room.meeting.doubled:
        learned.remarks.append("Everything was delivered twice, which no dialect allows.")
    learned.learn("delivery", "template", room.template.text, "; ".join(saw if saw[0] != saw[1] else saw[:1]))
    _conclude_sender(room, learned)
    if room.framed.prompt:
        prompt = room.framed.prompt
        learned.learn("delivery", "prompts", [prompt.decode("utf-8", "replace")], room.framed.why)


def _conclude_sender(room: RoomConversation, learned: LearnedDialect) -> None:
    utterances = room.meeting.utterances
    own = [room.frames(one.heard[one.speaker]) for one in utterances]
    texts = [one.text for one in utterances]
    saw = quoted(utterances[-1].heard[utterances[-1].speaker])
    if not any(own):
        why = "speakers heard nothing of it, not even when others had spoken after them"
        learned.learn("delivery", "to_sender", "nothing", why)
    elif all(len({*one}) == 1 and _label(room, one[0], text) for one, text in zip(own, texts, strict=True)):
        learned.learn("delivery", "to_sender", "same", f"the speaker heard {saw}, as the others did")
    elif all(len(one) == 1 and len(one[0]) <= MAX_AROUND_BYTES for one in own):
        learned.learn("delivery", "to_sender", _own_template(own, texts), f"the speaker heard {saw} instead")
    else:
        why = f"cannot tell: what speakers hear differs, such as {saw}"
        learned.learn("delivery", "to_sender", "same", why, sure=False)


def _label(room: RoomConversation, frame: bytes, text: bytes) -> bool:
    return room.template.label(frame, text) is not None


def _own_template(own: list[list[bytes]], texts: list[bytes]) -> str:
    parts = [frame.partition(text) for (frame,), text in zip(own, texts, strict=True)]
    if all(found for _, found, _ in parts) and len({after for _, _, after in parts}) == 1:
        before = patterns.align([patterns.reader()(before) for before, _, _ in parts])
        return f"{patterns.template(before)}{{body}}{patterns.literal(parts[0][2])}"
    return patterns.template(
        patterns.align([patterns.reader([text.decode()])(frame) for (frame,), text in zip(own, texts, strict=True)])
    )


def conclude_notices(room: RoomConversation, learned: LearnedDialect) -> None:
    """Note what else was heard when a client came or went."""
    joining, leaving = room.notices()
    whys = [
        f"when a client {did}, others heard {len(found)} kinds of lines"
        for did, found in (("came", joining), ("went", leaving))
        if found
    ]
    why = "; ".join(whys) or "no client heard anything when others came and went"
    learned.learn("delivery", "notices", [*joining, *leaving], why)
