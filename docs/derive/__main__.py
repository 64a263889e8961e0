"""`python -m docs.derive`: build the site in `build/docs/html`, with warnings as errors.

Exit status 0, or 1 if a page shows what its command does not print, or if Sphinx has anything to say.
"""

import os
import subprocess
import sys

from docs.derive import site
from docs.derive.clauses import HOME, ROOT
from docs.derive.consoles import WrongOutput

BUILD = ROOT / "build" / "docs"


def main() -> int:
    """Write the pages, and let Sphinx make the site; return the exit status."""
    try:
        site.write(BUILD / "pages")
    except WrongOutput as wrong:
        print(f"make docs: {wrong}", file=sys.stderr)
        return 1
    sphinx = [
        sys.executable,
        "-m",
        "sphinx",
        "--fail-on-warning",
        "--nitpicky",
        "--keep-going",
        "--quiet",
        "-j",
        "4",  # of two, one would only read
    ]
    places = ["-c", str(HOME), "-d", str(BUILD / "doctrees"), str(BUILD / "pages"), str(BUILD / "html")]
    done = subprocess.run([*sphinx, *places], check=False)
    if done.returncode == 0:
        print(f"{(BUILD / 'html' / 'index.html').relative_to(ROOT)}")
    return 1 if done.returncode else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the stories of schedules are then those that the command prints
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
