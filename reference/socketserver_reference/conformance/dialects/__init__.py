"""How servers speak: a dialect says, as data, how one puts the protocol into bytes.

Read in this order:

    template.py          bytes that are partly known: a delivery with a name in it, say
    framing.py           where an utterance or a delivery ends
    dialect.py           all that a dialect may say
    effects.py           which clauses it changes, or leaves nothing of
    input_file.py        reads somebody's file, or says in one line what is wrong with it
    schema.py            every key of a dialect file, and what it may hold
    loader.py            dialects from TOML; those that come along are in bundled/
    rewrite.py           any scenario in the words of a dialect
    rewrite_limits.py    and within its limits

RULE: a dialect is data, and a scenario is rewritten by a pure function of it; nothing here opens a socket, starts a
thread or looks at a clock.
"""
