"""Answers byte by byte, from a raw socket to the result of the http step."""
