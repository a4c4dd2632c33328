"""Reading JSON values: paths, user-written patterns, truncation, and suggestions for misspelt names."""
