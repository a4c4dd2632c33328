"""What the `prometheus` step type is made of: its range queries and the two windows that it compares."""
