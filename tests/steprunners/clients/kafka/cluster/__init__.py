"""Tests of `steprunners.clients.kafka.cluster`."""
