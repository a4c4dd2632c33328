"""What the engine costs, measured beside what it is built on: see README.md."""
