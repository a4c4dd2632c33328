"""Assertions and conditions: operators, comparisons, shapes and JSON Schema."""
