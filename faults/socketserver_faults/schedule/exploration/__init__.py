"""Which schedules are played, and how what was found is told.

Read in this order:

    search.py         all schedules with few deviations
    random_runs.py    schedules and scenarios that are drawn, by chance or by Hypothesis
    replay.py         codes that replay
    story.py          the story, in lanes
    explore.py        the ways in

RULE: the same program, scenario and decisions give the same run, every time.
"""
