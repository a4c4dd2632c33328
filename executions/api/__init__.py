"""REST API of the `executions` app."""
