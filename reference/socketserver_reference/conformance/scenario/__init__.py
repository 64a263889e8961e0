"""Scenarios as data: what clients do, what they read, and the exception that names the broken clause.

Read in this order:

    text.py          bytes and names as people read them
    step.py          what modules ask of any step
    steps.py         what clients do: connect, say, half-close, reset...
    scene.py         a scenario as it was played
    transcript.py    what every client did and read
    violation.py     what is wrong: a finding, and the exception for its clause

The whole suite shares this data: the same steps are performed on sockets, judged by an oracle, drawn by Hypothesis,
printed in reports and written as scripts.

RULE: data alone. Nothing here opens a socket, starts a thread or reads a clock, and of the project it imports only the
clauses.
"""
