"""Runs it all: the pytest plugin, and the run of a command."""
