"""Limits on how much processor time checks and assertions may use."""
