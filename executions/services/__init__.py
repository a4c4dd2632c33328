"""What others ask of executions: start, cancel, re-run. Each returns at once; workers do the rest."""
