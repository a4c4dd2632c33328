"""SQL databases: one statement, its values in both directions, its connection, its end at the deadline."""
