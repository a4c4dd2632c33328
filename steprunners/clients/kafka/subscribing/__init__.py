"""What a `kafka_subscribe` step looks for, how far it has read, and the watching of its topic."""
