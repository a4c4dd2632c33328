"""REST views of the `executions` app."""
