"""Reports: results as people and programs read them. Pure functions of a Report.

    story.py          a violation, and its exchange as events; all reports use it
    text.py           for a terminal
    json_report.py    for programs; json_schema.py describes it
    junit.py          JUnit's XML, for CI services
    markdown.py       for the summary of a CI job
    html/             one page, for people
    learning.py       what `learn` found, for the page that html/ makes of it
    badge.py          a small picture for the README of a project
    comparison.py     several servers side by side, in all of these

Each is a function `write` of a report. To add a format, add a module here, and a line to `FORMATS` in
`cli/report_files.py`.

RULE: nothing here writes a file, opens a socket or starts a thread; and each format escapes all text that it is given.
"""
