"""Hypothesis state machines around the steps of the scenarios."""
