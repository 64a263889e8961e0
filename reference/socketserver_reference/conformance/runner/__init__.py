"""Runs the checks, with pytest and without.

Read in this order:

    options.py           the one table of options
    selection.py         the clauses that are chosen, and the checks to play for them
    check_outcomes.py    the verdict on a clause from the end of its check
    advice.py            what to do about a server that speaks another dialect
    plugin.py            the pytest plugin
    machines.py          state machines as tests of their own, for HypoFuzz
    direct.py            checks without pytest, for the kill matrix
    display.py           what a check shows while it runs
    command_run.py       pytest for `check`; it collects the classes of collected.py or collected_family.py
    lost_interrupts.py   an interrupt that Python loses comes again
    affinity.py          one processor for checker and server
    server_list.py, compare.py    several servers, one after the other

RULE: only this folder and the command line choose the checks that run. `collected_family.py` is the one file of the
suite that imports servers.
"""
