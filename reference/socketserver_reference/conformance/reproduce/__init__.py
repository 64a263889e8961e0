"""A script for each violation, which shows it with the standard library alone.

Read in this order:

    shrink.py          a violation by no more steps than it takes
    literals.py        bytes, briefly
    lines.py           the lines of an exchange, as they come about
    stream_steps.py, echo_steps.py, frame_steps.py    steps as lines, with what must be read
    exchange.py        the steps of a scenario in the dialect's words
    assemble.py        a whole script, put together from templates/
    write.py           writing scripts for violations, and trying each

RULE: what a script demands follows from the steps and the dialect alone, since whoever has it has no oracle.
"""
