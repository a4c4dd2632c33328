"""Cookies as RFC 6265 keeps and sends them."""
