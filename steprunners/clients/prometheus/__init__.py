"""The parts of the `prometheus` step type: its range queries, results and warnings."""
