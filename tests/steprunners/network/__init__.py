"""The guard between step runners and the network."""
