"""Template tags of the `executions` app."""
