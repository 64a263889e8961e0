"""The tests, in folders that mirror the tree: what lies in `X/Y/` is tested in `tests/X/Y/`.

    reference/      the specification and its servers
    conformance/    the suite, a folder for each of its sub-packages
    faults/         likewise
    cli/            the commands of both packages
    ci/             what CI runs
    servers/        programs that tests run, most of them wrong on purpose; some start with python -m tests.servers.NAME
    support/        helpers of several tests

RULE: no test module imports another; what two of them need is in support/ or servers/.
"""
