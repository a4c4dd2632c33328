"""What the service tells about itself: metrics, log lines and traces. It knows nothing of the other packages."""
