"""Results: outcomes, verdicts, known failures, the report.

Read in this order:

    outcomes.py        how a check may end without a verdict of its own
    exit_codes.py      how the command ends
    known.py           clauses that are known to be broken         known_file.py    the file that lists them
    verdicts.py        a verdict for every clause, from all observations
    output_file.py     writes a file all at once
    baseline.py        what has changed since an earlier report
    report.py          all content of a report
    known_update.py    how `check` applies and updates the list

RULE: results are data: they are made from what checks saw, and nothing here runs a check, opens a socket or starts a
thread.
"""
