"""The fault kit: what is broken on purpose while flows run, and what must hold nevertheless (docs/faults.md)."""
