"""Dialects: data that says how a server puts the protocol into bytes.

Read in this order:

    template.py          partly known bytes: a delivery with a name in it, for example
    framing.py           where an utterance or a delivery ends
    dialect.py           everything that a dialect can say
    effects.py           which clauses a dialect changes or makes meaningless     wording.py    the clauses in its words
    input_file.py        reads a user's file, or says in one line what is wrong with it
    schema.py            every key of a dialect file, and its valid values
    loader.py            dialects from TOML; bundled/ has those of the suite
    rewrite.py           rewrites any scenario for a dialect
    rewrite_limits.py    and keeps it within the dialect's limits

RULE: a dialect is data, and rewriting a scenario for it is pure: nothing here opens a socket, starts a thread or reads
a clock.
"""
