"""The tests; each module mirrors the one it tests."""
