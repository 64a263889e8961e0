"""Faults on purpose: in programs, in the network, between threads. They prove that each check can fail.

Four folders, and a command for each:

    1. catalogue/    servers with ONE planted bug each    socketserver-faults list | show NAME | serve NAME
       matrix/       runs the suite against each, and demands that it breaks just the clauses it names:
                     socketserver-faults matrix           faults/MATRIX.md is the result
    2. demo/         one bug, call by call: the request that is closed while a thread uses it
                     (catalogue/closed_request.py explains it)           socketserver-faults demo closed-request
    3. network/      a proxy that delays, splits, stalls and resets, between any client and any server
                     socketserver-faults proxy LISTEN TARGET --help
    4. schedule/     a scheduler that plays threads in every order
                     socketserver-faults schedule NAME | package.module:Handler

    tutorial.py      not planted but found: the programs of tutorials
                     python -m socketserver_faults.tutorial chat 10007
    lanes.py         text in lanes, for demo/ and schedule/
    cli/             the command line

A fault names the clauses that it breaks, and the suite must find these broken and no others. So the tags in the
reference, the checks of the suite and the faults confirm each other: `socketserver-reference spec CHAT-7` shows all
three.

CONTRIBUTING.md says how to add a fault, or a clause with its check and its fault.

RULE: the faults import the reference and the suite, and neither imports them. Faults need the standard library alone;
checking them needs the `check` extra.
"""
