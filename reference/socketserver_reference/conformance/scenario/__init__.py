"""The vocabulary: the steps of a scenario, what came of them, and the violation that they show."""
