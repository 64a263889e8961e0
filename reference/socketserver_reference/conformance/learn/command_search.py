"""Finds the command to say something, with the clients of a meeting in which plain words were not delivered."""

from collections.abc import Sequence

from socketserver_reference.conformance.dialects.template import Template
from socketserver_reference.conformance.learn.answers import HELP_WORDS
from socketserver_reference.conformance.learn.conversation import HeardBytes
from socketserver_reference.conformance.learn.dialect_writer import quoted
from socketserver_reference.conformance.learn.meeting import MEETING_NAMES, Meeting
from socketserver_reference.conformance.learn.say_command import SayCommand, commands_in, usual


class CommandSearch:
    """The attempts to say something by a command: the first of the three speaks, and the others listen."""

    def __init__(self, failed: Meeting) -> None:
        self._meeting = failed
        self._conversation = failed.conversation
        self._plain = failed.spoken(failed.utterances[-1].text)
        self._speaker, *self._listeners = MEETING_NAMES
        self._together = failed.conversation.seen_idle
        self._newcomers = 0
        self.helped = b""
        """What the server answers to a cry for help, and to commands that do not work."""

    def find(self) -> SayCommand | None:
        """Return the command that works, if one does: those that the server names come first."""
        greeted = self._meeting.told()
        if any(who in self._conversation.ended for who in MEETING_NAMES):  # sent away for what is no command
            self._conversation.fresh()
            self._meeting = Meeting(self._conversation, self._meeting.said, ())
            self._meeting.arrive()
        named = commands_in(greeted)
        if found := self._working(named):
            return self._found(found, "its own texts name it")
        told = self._help()
        self.helped += told
        helped = [one for one in commands_in([told]) if one not in named]
        if found := self._working(helped):
            return self._found(found, f"its help names it: {quoted(told)}")
        if found := self._working(usual([*named, *helped])):
            return self._found(found, "it was guessed, from a list of usual commands")
        return None

    def _found(self, command: str, how: str) -> SayCommand:
        template = Template.parse(command, "body")
        words = template.fill(body=self._conversation.texts[-1])
        return SayCommand(
            template, f"{quoted(self._plain)} was not delivered, and words as in {quoted(words)} were; {how}"
        )

    def _help(self) -> bytes:
        """Return what a client hears that asks for help."""
        for word in HELP_WORDS:
            self._say(word.encode())
        return self._conversation.hear(briefly=True)[self._speaker]

    def _working(self, commands: Sequence[str]) -> str | None:
        """Return the first of these commands by which others hear a text, and not the command; None if none is."""
        waiting = list(commands)
        while waiting and not any(who in self._conversation.ended for who in self._listeners):
            asked = waiting[: len(waiting) if self._together else 1]
            said = {command: self._conversation.text() for command in asked}
            for command, text in said.items():
                self._say(Template(command).fill(body=text))
            heard = self._conversation.hear(briefly=True)
            self.helped += heard[self._speaker]
            if found := next((command for command in asked if self._was_heard(heard, command, said[command])), None):
                return found
            if self._speaker not in self._conversation.ended:
                del waiting[: len(asked)]
            elif len(asked) > 1:  # what came after the first was lost
                self._together = False
            else:
                del waiting[:1]
        return None

    def _say(self, words: bytes) -> None:
        """Have the speaker say this; another client comes for it if the server has sent the one before away."""
        if self._speaker in self._conversation.ended:
            self._newcomers += 1
            self._speaker = f"{MEETING_NAMES[0]}{self._newcomers}"
            self._meeting.admit(self._speaker)
        self._conversation.say(self._speaker, self._meeting.said.put(words))
        self._conversation.site.wait_idle()  # so that it reads no two at once

    def _was_heard(self, heard: HeardBytes, command: str, text: bytes) -> bool:
        whole = Template(command).fill(body=text)
        return all(text in heard[who] and whole not in heard[who] for who in self._listeners)
