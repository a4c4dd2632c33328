"""Redis, Celery and Channels: the broker, the cache and live updates."""

from asynctester.settings.broker import broker_url, fast_path, transport_options, yes_or_no
from asynctester.settings.environment import DATA_DIR, env
from executions.broker.queues import DEFAULT_QUEUE, task_queues

REDIS_URL = env("REDIS_URL", default=f"unix://{DATA_DIR / 'valkey.sock'}")
CELERY_BROKER_URL = broker_url(env, REDIS_URL)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = False  # the database, not the broker, decides what has to run again
# `celery inspect`, `celery control` and revoke; task events. With either, workers take tasks in Celery's own way.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = yes_or_no(env, "WORKER_REMOTE_CONTROL", default=False)
CELERY_WORKER_SEND_TASK_EVENTS = yes_or_no(env, "WORKER_TASK_EVENTS", default=False)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
#: Queues of the broker that workers read in turn, one for each organisation (executions/broker/lanes.py).
ENGINE_LANES = 32
CELERY_TASK_DEFAULT_QUEUE = DEFAULT_QUEUE
CELERY_TASK_QUEUES = task_queues(ENGINE_LANES)
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(
    env, CELERY_BROKER_URL, queue_order="executions.broker.queues:LanesInTurn"
)
#: Publish to Redis and receive from it directly (executions/broker/fast_redis.py).
BROKER_FAST_PATH = fast_path(env, CELERY_BROKER_URL)
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
