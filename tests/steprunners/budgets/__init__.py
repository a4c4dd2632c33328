"""Tests of `steprunners.budgets`."""
