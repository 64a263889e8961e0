"""Proposes a dialect for a server by talking to it, as a person would with three terminals.

Read in this order:

    conversation.py      clients that send and receive, as data; bounded in time and memory
    patterns.py          templates from received lines: which words vary with the speaker, which vary anyway
    framing.py           framing from received bytes: where a delivery ends
    room.py              a chat whose framing is known: newcomers, utterances and fences
    first_contact.py     the first utterances in a chat: their framing, their readers, and whether a name is needed
    chat.py              all other questions to a chat
    quit_word.py         the word that makes its sender leave
    byte_handling.py     the bytes that a chat delivers unchanged
    limits.py            how long an utterance may be, and how many members there may be
    echo.py, datagram.py    the same for an echo
    conclusions.py       keys of the dialect, with reasons, from the first utterances
    dialect_writer.py    the dialect file, every key with its reason
    propose.py           all of it, for one server

RULE: nothing here judges. An apparent bug does not become part of the dialect where it can be told from one: a dialect
says how a server speaks, and `check` whether it is correct.
"""
