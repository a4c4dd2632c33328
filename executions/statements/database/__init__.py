"""How statements reach the database: cursors, rows as models, locks, and where PostgreSQL and SQLite differ."""
