"""The demo's flows, environment and resources."""
