"""The command line, `socketserver-reference`: what each command takes, and what it prints.

Commands, each with `add_arguments` and `run`:

    main.py          the parser of all of them
    serve.py         run one of the reference's servers
    check.py         check a server, and say which clauses it breaks
    compare.py       check several servers, side by side
    learn.py         propose the dialect of a server
    init.py          propose it, and write the project file
    dialects.py      print the bundled dialects
    spec.py          print the clauses; for each, its code, its checks and its faults

Shared by the commands: `parser.py`, `signals.py`, `serving.py` (where to listen), `log_handler.py` (the log of a
server), `options.py` (of check and compare), `project_file.py` (what check alone checks), `targets.py` (the servers to
check), `learning.py` (of learn and init), `family_table.py`, `input_files.py` (the files that a check reads) and
`report_files.py` (those that it writes).

RULE: a command imports the shared modules and never another command; only `main.py` imports commands. `serve` and
`spec` need the standard library alone.
"""
