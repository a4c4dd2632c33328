"""The audit log: what is recorded, and where a request came from."""
