"""`python -m socketserver_reference` is `socketserver-reference`."""

import sys

from socketserver_reference.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
