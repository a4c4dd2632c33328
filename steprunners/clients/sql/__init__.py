"""The parts of the `sql` step type: one statement, its parameters and rows, connections, and the deadline."""
