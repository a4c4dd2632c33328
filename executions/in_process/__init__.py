"""What a worker process keeps in memory: leases, timers, watched steps and the steps that ended recently."""
