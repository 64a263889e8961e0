"""Oracles judge what the clients saw: what each may read, what it must, and which clause is broken if it does not.

Read in this order:

    base.py                 what any oracle can be asked
    chat_room.py            a chat: who is there, and what was abrupt
    segmentation.py             every legal order and segmentation of a stream
    stream_chat.py          a chat whose deliveries nothing separates
    frame_reader.py, inbox.py, framed_room.py, framed_chat.py    one whose deliveries come in frames
    echo.py, stream_echo.py, datagram.py    echo servers: of one request, of many, over datagrams
    delayed_ack.py          the one question for a clock
    attribution.py, frame_attribution.py    which clause a mismatch breaks

RULE: an oracle is a function of the steps and of what was read; nothing here opens a socket, starts a thread or looks
at a clock, and nothing here knows a server.
"""
