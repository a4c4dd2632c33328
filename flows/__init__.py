"""Blueprints: flows and their versions, validation across steps, import and export."""
