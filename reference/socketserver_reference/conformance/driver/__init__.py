"""Plays scenarios on real sockets, one after another, against one target.

Read in this order:

    stage.py              performs the steps of one scenario, and asks an oracle
    connecting.py         connects its clients
    reading.py            reads its clients, and reports what the oracle finds
    pouring.py            sends much to a server that answers while it reads
    handshake.py          what a client says before it is a member
    rate_limit.py         how often clients may connect and speak
    budget.py             the time that a check, or `learn`, may take
    carry_over.py         state that one scenario leaves for the next
    staging.py            the stage of each scenario: its oracle and rewriter
    conditions.py         what steps hold                                  rewritings.py    the same steps without that
    triggers.py           which of it can show that a clause is broken
    masking.py            what known broken clauses explain, and how the others are decided all the same
    session.py            plays scenarios one after another, independent of each other
    measurements.py       scenarios for other questions: how late, at what cost, whether it fails at all, or rests
    growth.py             the same: what it keeps of clients that have left
    exhaustion.py         the same: what it does without descriptors
    port_reuse.py         the same: whether it can be started again at its port
    dialect_fit.py        whether a server speaks the dialect at all
    scenario_runner.py    the `play` argument of a check

RULE: the driver decides nothing about a server: the oracles say what is right, the results what is known.
"""
