"""Servers with ONE planted bug each."""
