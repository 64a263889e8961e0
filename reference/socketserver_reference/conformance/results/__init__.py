"""What came of the checks: outcomes, verdicts, known failures, the report.

Read in this order:

    outcomes.py        how a check may end without a verdict of its own
    known.py           clauses that are known to be broken         known_file.py    the file that lists them
    verdicts.py        a verdict for every clause, from all that was seen
    baseline.py        what has changed since an earlier report
    report.py          everything that a report tells
    known_update.py    what `check` does with the list

RULE: results are data: they are made from what checks saw, and nothing here runs a check, opens a socket or starts a
thread.
"""
