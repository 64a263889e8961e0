"""Plays scenarios on real sockets, one after another, against one target.

Read in this order:

    stage.py              performs the steps of one scenario, and asks an oracle
    reading.py            reads its clients, and reports what the oracle finds
    handshake.py          what a client says before it is a member
    rate_limit.py         how often clients may connect and speak
    carry_over.py         state that one scenario leaves for the next
    session.py            plays scenarios one after another, independent of each other
    scenario_runner.py    the `play` argument of a check

RULE: the driver decides nothing about a server: the oracles say what is right, the results what is known.
"""
