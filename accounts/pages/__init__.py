"""The pages of accounts, organisations and teams."""
