"""YAML to JSON values and back, with JSON's types."""
