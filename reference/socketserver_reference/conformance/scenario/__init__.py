"""Scenarios as data: what clients do, what they saw, and the exception that says which clause that breaks.

Read in this order:

    text.py          bytes and names as people read them
    steps.py         what clients do: connect, say, half-close, reset...
    transcript.py    what every client did and heard
    violation.py     what is wrong: a finding, and the exception for its clause

Everything else in the suite speaks in these words: the same steps are performed on sockets, judged by an oracle, drawn
by Hypothesis, printed in reports, and written as scripts.

RULE: data alone; nothing here opens a socket, starts a thread or looks at a clock, and of the project it imports the
clauses and nothing else.
"""
