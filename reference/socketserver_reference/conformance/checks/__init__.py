"""The checks: a directed scenario for every clause of the wire, as classes that others subclass.

    base.py             what all of them have in common, and `decides`, which names the clause of a check
    chat.py             ChatConformance, whose checks are in
    chat_basic.py         what any chat does with polite clients
    chat_handshake.py     clients that are silent in a handshake, or leave in it
    chat_frames.py        clients that stop within an utterance
    chat_hardened.py      clients that overlap, reset and stall
    chat_crowds.py        many clients
    echo.py             EchoConformance
    visits.py           the ways in which clients come and leave, one after another
    datagram.py         DatagramConformance

A check is a method that hands a literal list of steps to `play`. To add one, write it below those of its profile, in
the order of the clauses.

RULE: checks say what clients do, and nothing about how that is performed: they open no socket and start no thread. The
clause that a check decides is written once, above it.
"""
