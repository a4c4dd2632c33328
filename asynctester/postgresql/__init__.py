"""Django's PostgreSQL with an end to its patience: while the database is away, a web process says so at once."""
