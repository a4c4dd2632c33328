"""Tests of what others ask of executions."""
