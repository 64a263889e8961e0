"""What a program may use that no footprint tells of: files, the environment, and entropy.

Two threads that write one file touch the same thing, and nothing here would say so. So a program whose modules name
one of these is not cleared; that a name is there is enough, whether it is used or not.

Next: `watched_code.py`.
"""

import ast

FILES = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "tempfile", "shelve", "dbm", "sqlite3"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
ENTROPY = {"urandom", "getrandom", "Random", "SystemRandom", "secrets", "uuid"}
UNTRACKED = FILES | ENVIRONMENT | ENTROPY


def untracked(tree: ast.Module) -> set[str]:
    """Return the names in a module that stand for what is not tracked."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found |= {*node.name.split(".")}
        elif isinstance(node, ast.ImportFrom):
            found |= {*(node.module or "").split(".")}
    return found & UNTRACKED
