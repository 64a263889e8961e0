"""Confirms violations: plays their exchanges again, on fresh servers, and cuts them.

Read in this order:

    replay.py       plays scenarios again on a fresh server
    cut.py          removes clients and steps that a violation does not need
    cause.py        what a violation depends on
    crowded.py      whether a server refuses clients by their number or rate
    confirmer.py    the procedure for one violation, within a time limit

RULE: a violation is told by an exchange that showed it last; nothing here judges what a server sends.
"""
