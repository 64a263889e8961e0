"""`python -m socketserver_reference` is `socketserver-reference`."""

import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # during the imports below, Ctrl-C ends the process

from socketserver_reference.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
