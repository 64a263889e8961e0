"""Threads of which one runs at a time."""
