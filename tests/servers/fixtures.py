"""Fixtures that hand real servers to tests."""
