"""What the service says of itself: metrics, log lines and traces. It knows nothing of the other rooms."""
