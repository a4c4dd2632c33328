"""Who you are and what you may see: users, organisations, teams, memberships, permissions."""
