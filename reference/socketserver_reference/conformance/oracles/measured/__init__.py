"""Oracles of what no byte shows: they judge what was measured.

    delayed_ack.py    how much later one client reads what another has read: a check that needs a clock
    delay.py          how much longer a client waits beside a silent one than others do alone: with a clock, too
    scaling.py        what a crowd costs in processor time
    resting.py        whether a server uses the processor while nothing happens
    growth.py         what it keeps of clients that have left
    exhaustion.py     what it does that has no descriptor left
    port_reuse.py     whether it can be started again at its port

RULE: each is a function of what was measured; the driver measures.
"""
