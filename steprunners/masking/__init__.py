"""Finds secrets and masks them in everything that is stored or shown."""
