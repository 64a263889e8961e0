"""Helpers of the tests of the thread scheduler."""
