"""One HTML page for people, which loads nothing, and runs nothing but its own script.

    elements.py      HTML that nothing can escape from
    lanes.py         an exchange as lanes and rows
    folding.py       the rows that are folded
    drawing.py       lanes and rows as HTML
    page.py          the page for one server
    comparison.py    the page for several
    learned.py       the page about what `learn` found
    page.css         how they look
    page.js          buttons that copy

RULE: text becomes HTML in `elements.py` alone, which escapes it.
"""
