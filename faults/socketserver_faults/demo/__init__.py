"""The closed-request bug, played on real sockets."""
