"""The parts of the `loki` step type: it builds and checks LogQL, and fetches pages of log lines."""
