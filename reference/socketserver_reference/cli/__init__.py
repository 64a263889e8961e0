"""The command line, `socketserver-reference`: what each command takes, and what it prints.

Commands, each with `add_arguments` and `run`:

    main.py          the parser of all of them
    serve.py         run one of the reference's servers
    check.py         check a server, and say which clauses it breaks
    compare.py       check several servers, side by side
    learn.py         propose the dialect of a server
    dialects.py      print the dialects that come along
    spec.py          print the clauses, and what stands behind each

What they share: `parser.py`, `signals.py`, `serving.py` (where to listen), `log_handler.py` (of what serves),
`options.py` (of check and compare), `targets.py` (what is to be checked), `family_table.py`, `input_files.py` and
`report_files.py` (the files read and written).

RULE: a command imports what the commands share, and never another command; only `main.py` imports commands. `serve` and
`spec` need the standard library alone.
"""
