"""REST API of the `resources` app."""
