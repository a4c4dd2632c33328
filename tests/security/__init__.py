"""Promises that hold across all rooms: secrets stay secret, browsers are protected."""
