"""The closed-request bug, which `catalogue/closed_request.py` explains, played on real sockets.

    rows.py        the rows and their results: data
    play.py        the server, the gates, the client
    timeline.py    the timeline in two lanes

Each row of the table is played without the join and with it, on a server made by the reference. Then a second client
connects, whose handler does join: it shows whether the first has left a closed socket among the members. The room is
that of textbooks: the worker itself removes its client from it, and sends to all members.

RULE: nothing depends on timing: the threads wait for each other at gates, with a timeout. Linux shows whether a worker
is blocked in recv(); on other systems it gets a moment to call it.
"""
