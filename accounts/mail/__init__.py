"""Mails about accounts: queueing, texts, and the signed links in them."""
