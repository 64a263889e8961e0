"""What goes wrong: servers with known bugs, for the conformance suite to find.

    note.py    the tutorial programs everybody starts from, as they are: they keep the basic clauses, not the hardened

`python -m faults.note chat 10007` serves one, and `python -m reference check chat tcp://127.0.0.1:10007` says what it
breaks.
"""
