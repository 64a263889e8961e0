"""Dialects: data that says how a server puts the protocol into bytes.

Read in this order:

    template.py          partly known bytes: a delivery with a name in it, for example
    framing.py           where an utterance or a delivery ends
    limits.py            what the server can take, and how fast
    dialect.py           everything that a dialect can say
    effects.py           which clauses a dialect changes or makes meaningless     wording.py    the clauses in its words
    input_file.py        reads a user's file, or says in one line what is wrong with it
    values.py            the kinds of values in a dialect file
    keys.py              every key of a dialect file: the one table, from which KEYS.md is made, too
    document.py          reads a file's keys by that table
    key_list.py          prints the table: for people, as Markdown, as a JSON Schema
    loader.py            dialects from TOML; bundled/ has those of the suite
    example.py           a short conversation in a dialect
    rewrite.py           rewrites any scenario for a dialect
    rewrite_limits.py    and keeps it within the dialect's limits
    passing.py           what a server should not say, as a notice

RULE: a dialect is data, and rewriting a scenario for it is pure: nothing here opens a socket, starts a thread or reads
a clock.
"""
