"""Keys of a dialect from the meeting of three clients in a chat: handshake, deliveries, notices."""

from collections.abc import Sequence
from itertools import chain

from socketserver_reference.conformance.dialects import loader
from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn import patterns
from socketserver_reference.conformance.learn.answers import NAME_FIELD
from socketserver_reference.conformance.learn.dialect_writer import LearnedDialect, quoted, text
from socketserver_reference.conformance.learn.framing import DELIVERY_ENDS, MAX_AROUND_BYTES
from socketserver_reference.conformance.learn.meeting import MEETING_NAMES, MeetingUtterance, UnderstoodMeeting, without
from socketserver_reference.conformance.learn.room import LISTENER, MAX_NOTICE_BYTES, Occasion, RoomConversation
from socketserver_reference.conformance.scenario.text import counted


def refusal(found: UnderstoodMeeting) -> str:
    """Return why the reader of dialects would refuse what a meeting shows, or ""."""
    room = RoomConversation(found.meeting.conversation, found)
    learned = LearnedDialect()
    learned.learn("", "protocol", "chat", "")
    presume_framing(room, learned, "")
    ends = () if room.heard_in.kind in ("fixed", "length") else DELIVERY_ENDS  # such frames may hold a line's end
    if any(end in room.template.text.lstrip("\r\n").encode() for end in ends):
        return f"deliveries have a line's end within: {room.template.text!r}"
    conclude_handshake(room, learned)
    conclude_delivery(room, learned)
    try:
        loader.read(text(learned), "learned", "learned")
    except loader.BadDialect as error:
        return str(error)
    return ""


def presume_framing(room: RoomConversation, learned: LearnedDialect, why: str) -> None:
    """Note the framing as the meeting showed it: where utterances ended in lines, the server may read lines."""
    learned.learn("framing", "in", "line" if room.said.kind == "chunk" else room.said.kind, why, presumed=True)
    learned.learn("framing", "out", room.heard_in.kind, room.framed.why, presumed=True)
    conclude_framing(room, learned)


def conclude_framing(room: RoomConversation, learned: LearnedDialect) -> None:
    """Note what goes with the kinds of framing; keys of both framings are the same, if both have them."""
    said, heard_in = room.said, room.heard_in
    why = f"utterances that ended in {said.newline!r} were delivered"
    learned.learn("framing", "newline", said.newline.decode(), why)
    if heard_in.newline != said.newline and heard_in.kind in ("line", "chunk"):
        learned.learn("framing", "newline_out", heard_in.newline.decode(), room.framed.why)
    fixed = [framing for framing in (heard_in, said) if framing.kind == "fixed"]
    if fixed:
        learned.learn("framing", "size", fixed[0].size, "frames of this size were delivered")
        pad = heard_in.pad.decode("ascii", "replace")
        learned.learn("framing", "pad", pad, "the deliveries were padded with this")
    counted = [framing for framing in (heard_in, said) if framing.kind == "length"]
    if counted:
        learned.learn("framing", "header", counted[0].header, "the lengths were written like this")
        learned.learn("framing", "header_counted", counted[0].header_counted, "as the lengths were")
    if heard_in.parts > 1:
        learned.learn("framing", "parts", heard_in.parts, "a delivery came in so many frames")


def conclude_handshake(room: RoomConversation, learned: LearnedDialect) -> None:
    """Note what the server sent before any utterance, and what clients answered."""
    arrivals = list(room.meeting.arrivals.values())
    if not room.answers:
        _conclude_greetings(room, learned, [arrival.greeting for arrival in arrivals])
        return
    waits = [[_own(room, heard) for heard in (arrival.greeting, *arrival.replies)] for arrival in arrivals]
    saw = _reason_for_answers(room)
    framed = {"framed": (True, "both came in frames")} if room.said.kind in ("fixed", "length") else {}
    for number, answer in enumerate(room.answers):
        asked = [one[number] for one in waits]
        send = (answer.text if framed else answer.template, saw)
        if wait := _awaited(room, asked):
            learned.exchange(wait=(wait, f"a client is asked: {_quoted(asked[-1])}"), send=send, **framed)
        else:
            learned.exchange(send=send, **framed)
    if wait := _awaited(room, [one[-1] for one in waits]):
        learned.exchange(wait=(wait, f"it was answered by {_quoted(waits[-1][-1])}"), **framed)


def _conclude_greetings(room: RoomConversation, learned: LearnedDialect, greetings: list[bytes]) -> None:
    own = [_own(room, one) for one in greetings]
    if all(own):
        if wait := _awaited(room, own):
            framed = {"framed": (True, "it came in a frame")} if room.heard_in.kind in ("fixed", "length") else {}
            learned.exchange(wait=(wait, f"a client was greeted by {quoted(greetings[-1])}"), **framed)
    elif any(own):
        room.keep("joining", [piece for one in own for piece in one])
        learned.remarks.append("Some clients were greeted and others were not; the greetings are among the notices.")


def _own(room: RoomConversation, heard: bytes) -> list[bytes]:
    """Return what was said to a newcomer alone: no notice that the others heard as well, and no earlier delivery."""
    told = [one for notices in room.notices().values() for one in notices]
    return [piece for piece in room.news(heard) if not _is_among(room.bare(piece), told)]


def _quoted(pieces: Sequence[bytes]) -> str:
    return quoted(b"".join(pieces))


def _reason_for_answers(room: RoomConversation) -> str:
    if not any(NAME_FIELD in answer.text for answer in room.answers):
        return "clients that said this were let in, and it was not delivered as what they said after it"
    saw = f"the first word of each, {quoted(MEETING_NAMES[-1].encode())} for one, was not delivered as those after it"
    if room.template.has_sender and any(MEETING_NAMES[0].encode() in one.data for one in room.meeting.deliveries()):
        return f"{saw}, and stood in front of them: it is taken for a name"
    return f"{saw}: perhaps it is a name, or a password; this is a guess"


def _awaited(room: RoomConversation, told: Sequence[Sequence[bytes]]) -> str:
    """Return a template for what all three heard last before they spoke; "" if nothing that all heard is alike.

    What came after it, and differs from one to the next or was told to some, counts among the notices.
    """
    frames = room.heard_in.kind in ("fixed", "length")
    for last in zip(*map(reversed, told), strict=False):
        wait = _template(room, last)
        if Template.parse(wait, "any", "name").literal.strip() or (frames and wait == "{name}"):
            return wait
        room.keep("joining", last)
    for one in told:
        room.keep("joining", one[: len(one) - min(map(len, told))])
    return ""


def _is_among(line: bytes, told: list[str]) -> bool:
    return any(Template.parse(one, "any").matches(line) for one in told)


def _template(room: RoomConversation, lines: Sequence[bytes]) -> str:
    names = [room.conversation.name(who) if room.answers else "" for who in MEETING_NAMES]
    readers = [patterns.reader(room.varying, name) for name in names]
    read = [reader(line[-MAX_NOTICE_BYTES:]) for reader, line in zip(readers, lines, strict=True)]
    return patterns.template(patterns.align(read))


def conclude_delivery(room: RoomConversation, learned: LearnedDialect) -> None:
    """Note how an utterance is said, how it reaches the others, and what its speaker receives."""
    learned.learn("commands", "say", room.meeting.say.template.text, room.meeting.say.why)
    first, last = room.meeting.utterances[0], room.meeting.utterances[-1]
    saw = [f"{one.speaker}'s {quoted(one.text)} came as {quoted(one.heard[LISTENER])}" for one in (first, last)]
    if room.meeting.doubled:
        learned.suspect("Everything was delivered twice", "CHAT-4", polite=True)
    learned.learn("delivery", "template", room.template.text, "; ".join(saw if saw[0] != saw[1] else saw[:1]))
    _conclude_sender(room, learned)
    if room.framed.prompt:
        prompt = room.framed.prompt
        learned.learn("delivery", "prompts", [prompt.decode("utf-8", "replace")], room.framed.why)


def _conclude_sender(room: RoomConversation, learned: LearnedDialect) -> None:
    utterances = room.meeting.utterances
    own = [room.frames(one.heard[one.speaker]) for one in utterances]
    receipts = [[frame for frame in one if it.text not in frame] for one, it in zip(own, utterances, strict=True)]
    words = [[frame for frame in one if it.text in frame] for one, it in zip(own, utterances, strict=True)]
    kinds = patterns.notices(chain(*receipts), room.varying, room.labels)
    if all(receipts) and all(words) and {*map(len, receipts)} == {len(kinds)}:  # the same came besides, each time
        for one in utterances:
            room.note("speaking", {one.speaker: one.heard[one.speaker]})
        own = words
    texts = [one.text for one in utterances]
    saw = quoted(utterances[-1].heard[utterances[-1].speaker])
    if not any(own):
        why = "speakers heard nothing of it, not even when others had spoken after them"
        learned.learn("delivery", "to_sender", "nothing", why)
    elif all(
        len({*one}) == 1 and _as_others_hear_it(room, one[0], it) for one, it in zip(own, utterances, strict=True)
    ):
        learned.learn("delivery", "to_sender", "same", f"the speaker heard {saw}, as the others did")
    elif all(len(one) == 1 and len(one[0]) <= MAX_AROUND_BYTES for one in own):
        found = _own_template(own, texts)
        room.receipt = None if "{body}" in found else Template.parse(found, "sender", "any")
        learned.learn("delivery", "to_sender", found, f"the speaker heard {saw} instead")
    else:
        why = f"cannot tell: what speakers hear differs, such as {saw}"
        learned.learn("delivery", "to_sender", "same", why, sure=False)


def _as_others_hear_it(room: RoomConversation, frame: bytes, utterance: MeetingUtterance) -> bool:
    """Whether a speaker hears what it said under the label under which the others hear it."""
    heard = room.frames(next(iter(without(utterance.heard, utterance.speaker).values())))
    labels = {room.template.label(one, utterance.text) for one in (frame, *heard[:1])}
    return len(labels) == 1 and None not in labels


def _own_template(own: list[list[bytes]], texts: list[bytes]) -> str:
    parts = [frame.partition(text) for (frame,), text in zip(own, texts, strict=True)]
    if all(found for _, found, _ in parts):
        before, behind = patterns.reader(), patterns.reader(clock=patterns.BEHIND)
        heads, tails = [before(head) for head, _, _ in parts], [behind(tail) for _, _, tail in parts]
        return patterns.with_body(patterns.align(heads), patterns.align(tails))
    return patterns.template(
        patterns.align([patterns.reader([text.decode()])(frame) for (frame,), text in zip(own, texts, strict=True)])
    )


NULL_WORDS = (b"", b"null", b"None", b"undefined", b"nil", b"(null)", b"NaN")
"""What programs print for a value that is not there."""


def conclude_notices(room: RoomConversation, learned: LearnedDialect) -> None:
    """Note what else was heard when a client came or went."""
    occasions: dict[Occasion, str] = {"joining": "came", "leaving": "went"}
    for occasion, did in occasions.items():
        empty: list[bytes] = []
        for line in [*room.lines[occasion]]:
            if room.receipt is not None and room.receipt.matches(line):
                del room.lines[occasion][line]
            elif not (not line and any(room.unended.values())) and (
                line.strip() in NULL_WORDS[1:]
                or any(room.template.label(line, nothing) is not None for nothing in NULL_WORDS)
            ):
                del room.lines[occasion][line]
                empty.append(line)
        if empty:
            more = f", and {len(empty) - 1} like it" if empty[1:] else ""
            what = f"When a client {did}, others heard {quoted(empty[0])}, which says nothing{more}"
            at_an_end = occasion == "leaving" and room.template.label(empty[0], b"") is not None
            learned.suspect(what, "CHAT-10" if at_an_end else "CHAT-4", polite=True)
    if room.unended:
        unmarked = room.heard_in.kind == "none"
        clock = patterns.TIMES if unmarked else patterns.BEFORE
        prompts = patterns.endings(room.unended, room.varying, room.labels, clock)
        prompts = [one for one in prompts if one.replace("{any}", "").strip()]
        if endless := [one for one in prompts if one.endswith("{any}")]:
            prompts = [one for one in prompts if one not in endless]
            remark = f"These came without an end, and what they end in varies: {', '.join(endless)}."
            learned.remarks += [remark] if remark not in learned.remarks else []
        prompts = patterns.apart(prompts)
        says_nothing = room.template.text.replace("{sender}", "{any}").replace("{body}", "")
        if says_nothing in prompts:  # as a prompt it would hide who speaks, since a delivery begins with it
            prompts.remove(says_nothing)
            learned.suspect(f"Members heard {says_nothing!r}, which says nothing", "CHAT-10", polite=True)
        if unmarked:  # {any} might be a delivery there
            prompts = [one.replace("{any}", "{word}") for one in prompts]
        prompts += [room.framed.prompt.decode("utf-8", "replace")] if room.framed.prompt else []
        if room.receipt is not None:
            prompts = [one for one in prompts if not room.receipt.matches(one.encode())]
        learned.learn("delivery", "prompts", list(dict.fromkeys(prompts)), "these came without an end of their own")
    found = room.notices()
    whys = [
        f"when a client {did}, {whom} heard {counted(len(notices), 'kind')} of lines"
        for (did, whom), notices in zip(
            (("came", "others"), ("went", "others"), ("spoke", "it")), found.values(), strict=True
        )
        if notices
    ]
    beside = [template.text for template in room.framed.beside]
    whys += ["lines like this come with each delivery"] if beside else []
    beats = [template.text for template in room.conversation.waits.heartbeat.lines]
    whys += ["lines like this come again and again, whoever speaks"] if beats else []
    why = "; ".join(whys) or "no client heard anything when others came and went"
    learned.learn("delivery", "notices", list(dict.fromkeys([*chain(*found.values()), *beside, *beats])), why)
