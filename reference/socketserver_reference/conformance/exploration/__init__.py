"""Exploration: Hypothesis draws the steps of clients; failures are shrunk, then replayed.

Read in this order:

    campaign.py         one exploration: its time budget and its findings
    constants.py        keeps constants of source files out of what is drawn
    machine.py          the base of all state machines
    chat_machines.py    the machines for a chat
    handshake_rules.py  what clients of a chat also do where it has a handshake
    echo_machines.py    the machines for an echo
    examples.py         where runs that failed are kept
    explore.py          runs a machine

To add a rule, write it in the machine of its protocol and profile.

RULE: the model alone, never the behaviour of the server, decides what a rule may do, so that a failing run replays.
"""
