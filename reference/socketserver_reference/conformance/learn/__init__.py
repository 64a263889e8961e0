"""Proposes a dialect for a server by talking to it, as a person would with three terminals.

Read in this order:

    heartbeat.py         what a server sends by itself
    waiting.py           how long clients wait for a server
    conversation.py      clients that send and receive, as data; bounded in time and memory; each attempt starts clean
    journal.py           what was said and heard, for the page of `--html`
    patterns.py          templates from received lines: which words vary with the speaker, which vary anyway
    framing.py           framing from received bytes: where a delivery ends
    answers.py           what clients answer before they are members
    say_command.py       the command before what they say, where a server delivers nothing else
    meeting.py           three clients meet and talk: their framing, their readers, their handshake
    command_search.py    finds that command
    first_contact.py     the meetings until one works
    pace.py              how fast clients may come and speak
    room.py              a chat whose framing is known: newcomers, utterances and fences
    chat.py              all other questions to a chat
    questions/           those that are long: how to quit, what newcomers hear, bytes, limits
    echo/                the same for an echo
    conclusions.py       keys of the dialect, with reasons, from the meeting
    dialect_writer.py    the dialect file, every key with its reason; what may be bugs
    verification.py      a conversation in the dialect, judged by the oracle
    propose.py           all of it, for one server

RULE: nothing here judges but the verification. An apparent bug does not become part of the dialect: a dialect says how
a server speaks, and `check` whether it is correct.
"""
