"""Reads executions for display and search."""
