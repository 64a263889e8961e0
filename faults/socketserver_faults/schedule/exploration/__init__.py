"""The search for a schedule that fails, and its report.

Read in this order:

    search.py         all schedules with few deviations
    reduction.py      one schedule of each class of equivalent ones
    following.py      a schedule of a watched program, followed by the program as it is
    clearing.py       all of them together
    random_runs.py    schedules and scenarios drawn at random or by Hypothesis
    replay.py         codes that replay a schedule
    story.py          the story, in lanes
    html_story.py     the same as an HTML page
    explore.py        the functions that users call

RULE: the same program, scenario and decisions give the same run, every time.
"""
