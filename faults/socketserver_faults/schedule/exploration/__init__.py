"""The search for a schedule that fails, and its report.

Read in this order:

    search.py         all schedules with few deviations
    reduction.py      one schedule of each class of equivalent ones
    clearing.py       the two together
    random_runs.py    schedules and scenarios drawn at random or by Hypothesis
    replay.py         codes that replay a schedule
    story.py          the story, in lanes
    html_story.py     the same as an HTML page
    explore.py        the functions that users call

RULE: the same program, scenario and decisions give the same run, every time.
"""
