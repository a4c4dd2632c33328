"""Middleware: limits, deadlines, errors and metrics of web requests."""
