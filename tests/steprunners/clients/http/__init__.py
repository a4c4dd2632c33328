"""Tests of `steprunners.clients.http`."""
