"""What the step types that ask Loki and Prometheus share: the connection, times, and how an answer is judged."""
