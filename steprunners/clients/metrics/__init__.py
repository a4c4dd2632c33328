"""Metric series: aggregates their samples, and compares two windows of them."""
