"""Plays scenarios on real sockets."""
