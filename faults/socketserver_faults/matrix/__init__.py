"""The kill matrix: the clauses that the suite finds broken in each fault, compared with the catalogue.

    result.py    the clauses that the suite found broken in a fault
    runner.py    runs the suite, for each fault in a process of its own
    collected.py the same as tests, which pytest-xdist and shards divide
    pairs.py     two faults at once, one of them listed as known: the other must still be found
    table.py     the results of all faults as one document

A fault names the clauses that it breaks. The suite must find these broken and no others. With one too few, a check
cannot find the bug that it is for; with one too many, the suite reports a clause that holds.

RULE: a fault is checked as any server is; nothing here, and nothing in the suite, depends on its bug.
"""
