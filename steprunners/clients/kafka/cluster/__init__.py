"""A Kafka cluster: its client, connections, offsets, reading and writing of messages."""
