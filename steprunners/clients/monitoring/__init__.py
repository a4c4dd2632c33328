"""The parts that the `loki` and `prometheus` step types share: the connection, times, and reading answers."""
