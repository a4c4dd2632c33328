"""REST API of the `flows` app."""
