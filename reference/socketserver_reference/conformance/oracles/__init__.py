"""Oracles judge the bytes that clients read: the allowed, the required, and the clause that a mismatch breaks.

Read in this order:

    base.py                 the interface of every oracle
    alignment.py            what happened: the shape of a difference, by comparison of what could come with what came
    attribution.py          whose clause: a table of shape, circumstance and kind of utterance
    chat_room.py            a chat: the members, and the disruptions
    chat_findings.py        what goes wrong in it
    pending.py, segmentation.py, stream_chat.py    a chat whose deliveries nothing separates: every legal order and
                            segmentation of what was said, and what its members read
    frame_reader.py, inbox.py, framed_room.py, framed_chat.py    one whose deliveries come in frames
    echo.py, stream_echo.py, datagram.py    echo servers: of one request, of many, over datagrams
    measured/               what no byte shows: delay, cost, rest, growth, lack of descriptors, a port that is taken

RULE: an oracle is a function of the steps and of what was read; nothing here opens a socket, starts a thread or looks
at a clock, and nothing here knows a server.
"""
