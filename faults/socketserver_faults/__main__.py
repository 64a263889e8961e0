"""`socketserver-faults`, which is `python -m socketserver_faults`: Ctrl-C ends it quietly while it imports."""

import sys

from socketserver_reference.__main__ import end_at_interrupts


def main() -> int:
    """Run the command line; return the exit status."""
    end_at_interrupts()
    from socketserver_faults.cli.main import main as command  # takes long enough to be interrupted

    return command()


if __name__ == "__main__":
    sys.exit(main())
