"""What the `redis` step type is made of: its connection, its operations, and bytes as JSON."""
