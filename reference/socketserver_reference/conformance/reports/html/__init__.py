"""One HTML page for people, which loads nothing and runs nothing.

    elements.py      HTML that nothing can escape from
    lanes.py         an exchange as lanes and rows
    drawing.py       lanes and rows as HTML
    page.py          the page for one server
    comparison.py    the page for several
    page.css         how they look

RULE: text becomes HTML in `elements.py` alone, which escapes it.
"""
