"""Named connections and environments, and their secrets."""
