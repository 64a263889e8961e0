"""The server under check, from outside."""
