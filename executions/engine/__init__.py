"""Runs one step, from its claim to what follows from its end."""
