"""Proposes a dialect for a server by talking to it, as one would by hand with three terminals.

Read in this order:

    conversation.py      clients who say things and hear what comes back, as data; bounded in time and memory
    patterns.py          from what was heard to templates: what varies with the speaker, what varies anyway
    framing.py           from what was heard to framing: where a delivery ends
    room.py              a chat that has been understood: newcomers, utterances and fences
    first_contact.py     the first words in a chat: how one is heard, by whom, and whether one needs a name
    chat.py              what else there is to ask in a chat
    quit_word.py         by which word one leaves
    byte_handling.py     which bytes come through
    limits.py            how much, how many
    echo.py, datagram.py    the same for an echo
    conclusions.py       what was learned, and why
    dialect_writer.py    what was learned as a dialect file, every key with its reason
    propose.py           all of it, for one server

RULE: nothing here judges. What looks like a bug is not made a part of the dialect where it can be told apart: a dialect
says how a server speaks, and `check` whether it speaks well.
"""
