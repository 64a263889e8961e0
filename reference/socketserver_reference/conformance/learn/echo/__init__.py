"""Questions to an echo.

    conversation.py      clients of an echo over connections
    transform.py         what becomes of a request
    quit_words.py        the word to leave by
    stream.py            what it makes of their requests
    datagram.py          the same over datagrams

RULE: as in `learn`.
"""
