"""Tests of what is special to PostgreSQL."""
