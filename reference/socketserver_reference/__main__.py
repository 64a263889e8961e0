"""`socketserver-reference`, which is `python -m socketserver_reference`: Ctrl-C ends it quietly while it imports."""

import signal
import sys


def end_at_interrupts() -> None:
    """Let Ctrl-C end the process at once, without a traceback, unless it is ignored or handled already."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Run the command line; return the exit status."""
    end_at_interrupts()
    from socketserver_reference.cli.main import main as command  # takes long enough to be interrupted

    return command()


if __name__ == "__main__":
    sys.exit(main())
