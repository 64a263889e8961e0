"""A server, its clients and one run."""
