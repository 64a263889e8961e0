"""Writes a script for each violation, which shows it with the standard library alone.

Read in this order:

    player.txt     plays a table of rows; the same in every script
    patterns.py    what clients must read, as bytes or regular expressions
    table.py       rows: what clients do, and what they read in a handshake
    echo_table.py, chat_table.py    rows of an echo and of a chat
    rows.py        the table of a violation
    script.py      a whole script; the pytest file for a clause about the inside of a process
    write.py       writes scripts for violations, and tries each

RULE: a script is a table and the player; nothing in it is made for one violation but the rows.
"""
