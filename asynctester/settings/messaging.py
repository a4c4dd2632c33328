"""Redis, Celery and Channels: the broker, the cache and live updates."""

from asynctester.settings.environment import DATA_DIR, env

REDIS_URL = env("REDIS_URL", default=f"unix://{DATA_DIR / 'valkey.sock'}")


def _broker_url(redis_url: str) -> str:
    """Return Kombu's spelling of a Redis URL (Kombu says redis+socket:// where redis-py says unix://)."""
    return redis_url.replace("unix://", "redis+socket://", 1)


CELERY_BROKER_URL = env("CELERY_BROKER_URL", default=_broker_url(REDIS_URL))
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = False  # the database, not the broker, decides what has to run again
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # measured: remote control costs 20 % of the throughput
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
#: Queues in the broker that are served in turn, one an organisation (executions/lanes.py).
ENGINE_LANES = 32
CELERY_BROKER_TRANSPORT_OPTIONS = (
    # Without the last two, Kombu tries for six seconds to connect before it says that the broker is away.
    # Kombu's emulated acknowledgement writes each message twice more, to bring it back an hour after its worker was
    # lost; our sweeper does that after 30 s. Messages that a worker holds when it ends well go back in any case.
    {
        "ack_emulation": False,
        "socket_timeout": 1,
        "socket_connect_timeout": 1,
        "retry_on_timeout": False,
        "max_retries": 1,
        "interval_start": 0,
        "priority_steps": list(range(ENGINE_LANES)),
    }
    if CELERY_BROKER_URL.startswith(("redis", "rediss"))
    else {}
)
CELERY_TASK_PUBLISH_RETRY = False  # the row is the outbox: the sweeper publishes again
CELERY_DB_REUSE_MAX = 1_000_000_000  # Celery's Django fix-up would reconnect for every task
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# What web processes count together (accounts/throttling.py). JSON: nothing in Redis is ever unpickled.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "asynctester",
        "OPTIONS": {
            "serializer": "django.core.signing.JSONSerializer",
            "socket_timeout": 1,
            "socket_connect_timeout": 1,
        },
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}
