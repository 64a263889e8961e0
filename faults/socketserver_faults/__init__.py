"""What goes wrong, on purpose: in programs, in the network, between threads. It proves that each check can fail.

Four kinds of fault, and a way to meet each:

    1. catalogue/    servers with ONE planted bug each    socketserver-faults list | show NAME | serve NAME
       matrix/       runs the suite against each, and demands that it breaks just the clauses it names:
                     socketserver-faults matrix           faults/MATRIX.md is the outcome
    2. demo/         one bug, move by move: the request that was closed under its user
                     (catalogue/closed_request.py tells all about it)    socketserver-faults demo closed-request
    3. network/      a proxy that delays, splits, stalls and resets, between any client and any server
                     socketserver-faults proxy LISTEN TARGET --help
    4. schedule/     a scheduler of threads that tries every order in which they can do things
                     socketserver-faults schedule NAME | package.module:Handler

    tutorial.py      not planted but found: the tutorial programs everybody starts from
                     python -m socketserver_faults.tutorial chat 10007
    lanes.py         text in lanes, for demo/ and schedule/
    cli/             the command line

A fault names the clauses that it breaks. The suite is run against it and must find these broken and no others: one too
few, and a check cannot see what it is for; one too many, and it blames the innocent. So the tags in the reference, the
checks of the suite and the faults hold each other: `socketserver-reference spec CHAT-7` shows all three.

**To add a fault** takes ten minutes:

    1. Choose the file of its theme in catalogue/, and the class of the reference that has the method to get wrong.
    2. Override that ONE method, as somebody would write it who does not know better: a dozen lines at most. The class
       name becomes the fault's name: `QuitsInAnyCase` is `quits-in-any-case`.
    3. Put `@fault("CHAT-8")` above it, with the clauses you think it breaks, and a story below: what it does, in one
       line; then `Thought:`, `Seen:`, `Fixed:`. `own_process=True` if it ends or spins its process, `concurrency=` if
       it does not serve in threads, `scheduler_only=` with the reason if only the scheduler can see it; `fault` has the
       rest.
    4. `socketserver-faults matrix your-fault`. If you were wrong it says which clauses it really broke, and shows the
       exchange for each that you did not name. Then either the clauses are wrong, or the bug, or the suite is.
    5. `make matrix` writes MATRIX.md; the tests see to it that it is up to date.

**To add a clause**: a line in the reference's `clauses.py`, a `# [CHAT-18]` tag above the code that keeps it, a check
under `@decides("CHAT-18")` in the suite, and a fault that breaks it. `tests/reference/test_traceability.py` names what
is missing.

RULE: the faults import the reference and the suite, and neither imports them. Faults need the standard library alone;
judging them needs the `check` extra.
"""
