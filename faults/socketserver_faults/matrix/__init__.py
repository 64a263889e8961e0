"""The kill matrix: which clauses the suite finds broken in every fault, held against what the catalogue says.

    result.py    what the suite found broken in a fault
    runner.py    finds it out, each fault in a process of its own
    table.py     all of it as one document

A fault names the clauses that it breaks. The suite must find these broken and no others: one too few, and a check
cannot see what it is for; one too many, and it blames the innocent.

RULE: a fault is judged as any server is; nothing here, and nothing in the suite, knows what its bug is.
"""
