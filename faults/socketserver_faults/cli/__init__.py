"""The command line, `socketserver-faults`: what each command takes, and what it prints.

    main.py        the parser of all commands
    browse.py      list, show and serve faults
    demo.py        play the closed-request bug
    matrix.py      run the suite against every fault
    proxy.py       put a network between a client and a server
    schedule.py    play a program under every schedule of its threads

RULE: a command imports no other; only `main.py` imports commands. Only `matrix` needs the `check` extra.
"""
