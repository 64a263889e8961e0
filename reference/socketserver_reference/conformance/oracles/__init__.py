"""Oracles judge the bytes that clients read: the allowed, the required, and the clause that a mismatch breaks.

Read in this order:

    base.py                 the interface of every oracle
    chat_room.py            a chat: the members, and the disruptions
    segmentation.py         every legal order and segmentation of a stream
    stream_chat.py          a chat whose deliveries nothing separates
    frame_reader.py, inbox.py, framed_room.py, framed_chat.py    one whose deliveries come in frames
    echo.py, stream_echo.py, datagram.py    echo servers: of one request, of many, over datagrams
    delayed_ack.py          delayed acknowledgements: the only check that needs a clock
    attribution.py, frame_attribution.py    which clause a mismatch breaks

RULE: an oracle is a function of the steps and of what was read; nothing here opens a socket, starts a thread or looks
at a clock, and nothing here knows a server.
"""
