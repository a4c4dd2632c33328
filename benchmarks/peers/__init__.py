"""Other tools on the same calls: see ../README.md."""
