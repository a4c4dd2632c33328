"""Django's PostgreSQL backend with short time limits: during an outage a web process reports it at once."""
