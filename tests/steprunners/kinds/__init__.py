"""One test file a step type."""
