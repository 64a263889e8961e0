"""The SRV clauses, where the server runs."""
