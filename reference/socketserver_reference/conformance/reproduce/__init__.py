"""Writes a script for each violation, which shows it with the standard library alone.

Read in this order:

    player.txt     plays a table of rows; the same in every script
    patterns.py    what clients must read, as bytes or regular expressions
    rows.py        the table: the exchange of a violation, row by row
    script.py      a whole script; the pytest file for a clause about the inside of a process
    write.py       writes scripts for violations, and tries each

RULE: a script is a table and the player; nothing in it is made for one violation but the rows.
"""
