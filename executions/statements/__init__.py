"""The engine's SQL statements."""
