"""How a server speaks, as data."""
