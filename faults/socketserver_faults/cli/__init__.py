"""The command line: `socketserver-faults list | show | serve | demo | matrix | proxy | schedule`."""
