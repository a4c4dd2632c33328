"""The parts of a `kafka_subscribe` step: what it searches for, how far it has read, and the watch on its topic."""
