"""Runs it all, with pytest and without.

Read in this order:

    options.py           how to check: the one table of options
    check_outcomes.py    what the end of a check says of its clause
    plugin.py            the pytest plugin
    direct.py            checks without pytest, for the kill matrix
    command_run.py       pytest for `check`; it collects collected.py, or collected_family.py
    affinity.py          one processor for checker and server
    server_list.py, compare.py    several servers, one after the other

RULE: only here, and in the command line, is it decided what is run. `collected_family.py` is the one file of the suite
that imports servers.
"""
