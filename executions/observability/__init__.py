"""Metrics, traces, logs and worker heartbeats of executions."""
