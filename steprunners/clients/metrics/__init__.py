"""Metric series: what is worked out of their samples, and whether two windows of them differ."""
