"""The pages of flows and the editor."""
