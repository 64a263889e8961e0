"""Questions to an echo.

    conversation.py      clients of an echo over connections
    stream.py            what it makes of their requests
    datagram.py          the same over datagrams

RULE: as in `learn`.
"""
