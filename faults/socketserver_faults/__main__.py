"""`python -m socketserver_faults` is `socketserver-faults`."""

import sys

from socketserver_faults.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
