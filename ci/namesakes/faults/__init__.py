"""A package of the project's own."""

OWNER = "the project"
