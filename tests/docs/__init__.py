"""Tests of the documentation: its links, and the files that it names."""
