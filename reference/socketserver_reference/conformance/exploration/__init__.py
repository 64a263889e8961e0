"""Exploration: Hypothesis draws what clients do; what it finds is made shorter, and played again.

Read in this order:

    campaign.py         one exploration: what it may spend, and what it has found
    machine.py          what all state machines have in common
    chat_machines.py    those that explore a chat
    echo_machines.py    those that explore an echo
    explore.py          running one

To add a rule, write it in the machine of its protocol and profile.

RULE: what a rule may do is decided by the model alone, never by what the server did, so that a failing run replays.
"""
