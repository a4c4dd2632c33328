"""Flows run to their end by a real worker."""
