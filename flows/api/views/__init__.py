"""Views of the `flows` app."""
