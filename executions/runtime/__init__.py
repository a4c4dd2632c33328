"""What a worker process holds in memory: background threads, leases, timers, watches and a cache of ended steps."""
