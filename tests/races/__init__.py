"""Two requests at the same moment: one of them may lose, and is told so; nothing else comes of it."""
