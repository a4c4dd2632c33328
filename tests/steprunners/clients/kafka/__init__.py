"""The Kafka client against a real broker."""
