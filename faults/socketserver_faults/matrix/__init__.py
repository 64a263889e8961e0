"""The kill matrix: which clauses the suite finds broken in every fault."""
