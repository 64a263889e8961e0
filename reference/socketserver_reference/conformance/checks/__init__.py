"""A directed scenario for every clause, as classes that others subclass."""
