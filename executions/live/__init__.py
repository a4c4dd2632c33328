"""Live updates: typed events published on commit, and the WebSocket that forwards them."""
