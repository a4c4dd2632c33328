"""The parts of the `redis` step type: its connection, its operations, and bytes as JSON."""
