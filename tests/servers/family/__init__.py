"""Servers of the family that each break one of the SRV clauses.

making_families.py    makes servers of the family, with a fault mixed in
broken_family.py      handlers, rooms, concurrency, the end
broken_serving.py     the loop, shutdown() in a handler, an address that is taken
"""
