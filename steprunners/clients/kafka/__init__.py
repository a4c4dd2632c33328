"""Kafka over kafka-python's connections: publish, read by assignment, offsets, and watching for what is new."""
