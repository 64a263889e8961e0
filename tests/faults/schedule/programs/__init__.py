"""The reduced search, and the code that says what it touches."""
