"""Kafka over kafka-python's connections: publish, read by assignment, offsets, and watch for new messages."""
