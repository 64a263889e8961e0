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

CONTRIBUTING.md says how to add a fault, or a clause with its check and its fault.

RULE: the faults import the reference and the suite, and neither imports them. Faults need the standard library alone;
judging them needs the `check` extra.
"""
