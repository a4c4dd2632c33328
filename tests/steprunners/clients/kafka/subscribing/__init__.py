"""Tests of `steprunners.clients.kafka.subscribing`."""
