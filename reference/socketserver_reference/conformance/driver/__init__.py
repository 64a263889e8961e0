"""Plays scenarios on real sockets, one after the other, against one target.

Read in this order:

    stage.py         performs the steps of one scenario, and asks an oracle
    handshake.py     what a client says before it is a member
    rate_limit.py    how often clients may connect and speak
    carry_over.py    what one scenario leaves behind for the next
    session.py       one scenario after the other, none suffering from the one before
    scenario_runner.py       what a check is given to play with

RULE: the driver decides nothing about a server: what is right an oracle says, and what is known the results.
"""
