"""The pages of the site that can be derived from the code, and the commands that its other pages show.

    markdown.py     tables, fences, and docstrings as Markdown
    clauses.py      the specification: a page for each clause
    drawings.py     its directed scenario, played against the reference and drawn as in the HTML report
    faults.py       a page for each planted bug, and the kill matrix
    races.py        the story of a bug under the scheduler
    manual.py       commands and their options, the keys of dialects, the JSON report, the public names
    essays.py       docstrings and documents that are pages
    consoles.py     runs the commands of a page, and compares what they print with what the page shows
    site.py         all pages of the site, by their paths
    __main__.py     writes them, and lets Sphinx make HTML of them

RULE: Sphinx reads what is written here and is not imported, so that a test needs no Sphinx. What is derived is not
written by hand as well; what is written by hand, in the folders beside this one, is not derived.
"""
