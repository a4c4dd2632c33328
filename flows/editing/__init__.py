"""Edits a flow's YAML text in place and keeps its comments and layout."""
