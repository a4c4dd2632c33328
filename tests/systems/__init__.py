"""One flow over all the systems that the product tests, with each of them broken in turn."""
