"""The engine, and where flows may connect to."""

from asynctester.settings.environment import PRODUCTION, env

ENGINE_LEASE_SECONDS = 8  # a lost worker is found after this and half a second; 12 s are promised
ENGINE_HEARTBEAT_SECONDS = 1.5
ENGINE_UNCLAIMED_SECONDS = 30  # a published step that nobody claimed is published again after this
# Where flows may connect to besides public addresses: host, *.domain, CIDR, each with an optional port.
NETWORK_DENY_PRIVATE = env.bool("NETWORK_DENY_PRIVATE", default=True)
NETWORK_ALLOWED = env.list(
    "NETWORK_ALLOWED", default=[] if PRODUCTION else ["127.0.0.0/8", "::1", "localhost"]
)
MAX_RESPONSE_BYTES = env.int("MAX_RESPONSE_BYTES", default=10 * 1024 * 1024)
# The only folder whose SQLite files sql resources may name; whatever it says, none in production.
SQLITE_FOLDER = "" if PRODUCTION else env.str("SQLITE_FOLDER", default="")
