"""A Kafka cluster: its client, connections and offsets, and how messages are read and written."""
