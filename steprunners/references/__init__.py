"""References `${…}`: parsing, finding them in a step, and resolving them against a scope."""
