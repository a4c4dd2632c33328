"""The lab: a small order shop to try the service on, and to test it with. Knows nothing about the service."""
