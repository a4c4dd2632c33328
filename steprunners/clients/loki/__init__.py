"""What the `loki` step type is made of: LogQL built and checked, and pages of log lines."""
