"""Executions as reports for other programs and for comparison."""
