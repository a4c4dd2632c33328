"""Tests of the settings: what is read from the environment."""
