"""Writes a script for each violation, which shows it with the standard library alone.

Read in this order:

    shrink.py          shortens the scenario of a violation
    literals.py        bytes as short Python expressions
    lines.py           the lines of an exchange, while they are written
    stream_steps.py, echo_steps.py, frame_steps.py    steps as lines, with the data that clients must read
    exchange.py        the steps of a scenario in the dialect
    assemble.py        a whole script, put together from templates/
    write.py           writing scripts for violations, and trying each

RULE: the demands of a script follow from the steps and the dialect alone, since a script has no oracle.
"""
