"""The limits of organisations."""
