"""What was said and heard, as the page of `learn --html` shows it."""

from socketserver_reference.conformance.learn.journal import ConversationJournal
from socketserver_reference.conformance.learn.propose import VERIFICATION, propose
from socketserver_reference.conformance.reports.story import MAX_EVENT_BYTES, MAX_STORY_EVENTS
from tests.servers.dialect_servers import answering, chat, served

LABELLED = b"{number}: {body}\n"


def test_a_conversation_is_told_by_what_clients_did_and_read() -> None:
    journal = ConversationJournal()
    journal.begin("words")
    journal.fresh("nothing was before")
    journal.did("ann", "connects")
    journal.did("ann", "sends", b"quit\n")
    journal.read("ben", b"ann has left\n")
    journal.ended("ann", "eof")
    journal.ended("ben", "reset")
    journal.fresh("a fresh server is started")
    (chapter,) = journal.chapters()
    assert chapter.subject == "words"
    assert [(one.step, one.does, one.line) for one in chapter.events] == [
        (1, "connects", "ann connects"),
        (2, "sends", "ann sends b'quit\\n'"),
        (None, "reads", "ben reads b'ann has left\\n'"),
        (None, "ends", "ann reads end of stream"),
        (None, "breaks", "ben reads connection reset"),
        (None, "skips", "a fresh server is started"),
    ]


def test_a_journal_keeps_the_first_and_the_last_of_what_never_ends() -> None:
    journal = ConversationJournal()
    for number in range(3 * MAX_STORY_EVENTS):
        journal.read("ann", b"%d " % number * MAX_EVENT_BYTES)
    ((*told,),) = (chapter.events for chapter in journal.chapters())
    assert len(told) == 2 * MAX_STORY_EVENTS + 1
    assert told[MAX_STORY_EVENTS].line == f"{MAX_STORY_EVENTS} events are left out"
    assert told[-1].data.startswith(b"%d " % (3 * MAX_STORY_EVENTS - 1))
    assert max(len(one.data) for one in told) == MAX_EVENT_BYTES


def test_each_question_has_its_conversation_and_each_key_names_its_own(quick_learning: None) -> None:  # noqa: ARG001
    journal = ConversationJournal()
    proposal = propose("chat", chat(deliver=LABELLED, quit=b"/quit"), 0.1, 10, journal=journal)
    chapters = {chapter.subject: chapter.events for chapter in journal.chapters()}
    assert [*chapters][:2] == ["how clients speak", "utterances without a line's end"]
    assert [*chapters][-1] == VERIFICATION
    subjects = {key.name: key.subject for key in proposal.keys}
    assert subjects["delivery.template"] == "how clients speak"
    assert subjects["quit.word"] == "words to quit by"
    assert set(subjects.values()) - {""} <= set(chapters)
    (left,) = [one.who for one in chapters["words to quit by"] if one.does == "ends"]
    said = [one.data for one in chapters["words to quit by"] if one.does == "sends" and one.who == left]
    assert said == [b"/quit\n"]
    (quits,) = [one.line for one in chapters[VERIFICATION] if one.does == "quits"]
    assert quits == "dan quits with b'/quit'"


def test_an_echo_and_datagrams_have_theirs(quick_learning: None) -> None:  # noqa: ARG001
    journal = ConversationJournal()
    echo = served(lambda client: [client.send(said) for said in iter(lambda: client.recv(1024), b"")])
    propose("echo", echo, 0.1, 10, journal=journal)
    subjects = ["the first answers", "words to quit by", "unusual bytes", "long requests", VERIFICATION]
    assert [chapter.subject for chapter in journal.chapters()] == subjects
    journal = ConversationJournal()
    propose("echo", answering(bytes), 0.1, 10, journal=journal)
    assert [chapter.subject for chapter in journal.chapters()] == ["datagrams", VERIFICATION]
    assert {one.does for one in journal.chapters()[0].events} == {"sends", "reads"}
