"""Helpers of the tests of dialects."""
