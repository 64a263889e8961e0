"""A script for each violation."""
