"""The closed-request bug, played: what `catalogue/closed_request.py` explains, on real sockets.

    rows.py        what is played, and what is seen of it: data
    play.py        the server, the gates, the client
    timeline.py    the timeline in two lanes

Each row of the table is played without the join and with it, on a server made by the reference. After each, one more
client comes, whose handler does join, and finds out what the first has left among the members. The room is a
textbook's: the worker takes its client out of it, beside recv(), and sends to whoever is in it.

RULE: nothing is left to chance: the threads wait for each other at gates, with a bound. Whether a worker is blocked in
recv() can be seen on Linux; elsewhere it is given a moment to get there.
"""
