"""The only writers of organisations, teams, members, invitations and API tokens."""
