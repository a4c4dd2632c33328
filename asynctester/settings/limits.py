"""Limits: of requests, of what a flow may hold, and of what an organisation may use (docs/limits.md)."""

from asynctester.settings.environment import env

MAX_REQUEST_BYTES = env.int("MAX_REQUEST_BYTES", default=5 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_REQUEST_BYTES
# Seconds that a client may make the web server wait: for the whole head of a request; in a pause of its body; for the
# whole body, one more for each REQUEST_BODY_RATE bytes; until some of an answer is read.
REQUEST_HEAD_SECONDS = env.float("REQUEST_HEAD_SECONDS", default=15.0)
REQUEST_PAUSE_SECONDS = env.float("REQUEST_PAUSE_SECONDS", default=15.0)
REQUEST_BODY_SECONDS = env.float("REQUEST_BODY_SECONDS", default=20.0)
REQUEST_BODY_RATE = env.int("REQUEST_BODY_RATE", default=2_000)
RESPONSE_STALL_SECONDS = env.float("RESPONSE_STALL_SECONDS", default=30.0)
MAX_STEPS_PER_FLOW = env.int("MAX_STEPS_PER_FLOW", default=2_000)
# What an organisation may use, unless its own limits say otherwise (docs/limits.md).
MAX_ROWS = env.int("MAX_ROWS", default=100_000)
MAX_MESSAGES = env.int("MAX_MESSAGES", default=10_000)
MAX_PATTERN_LENGTH = env.int("MAX_PATTERN_LENGTH", default=1_000)
# Processor time, in ms: of one request for checking what it sends (0: no bound), of one step for judging its result.
MAX_CHECKING_MS = env.int("MAX_CHECKING_MS", default=5_000)
MAX_JUDGING_MS = env.int("MAX_JUDGING_MS", default=2_000)
MAX_EXECUTION_SECONDS = env.int(
    "MAX_EXECUTION_SECONDS", default=8 * 24 * 3_600
)  # a delay takes up to seven days
MAX_CONCURRENT_EXECUTIONS = env.int("MAX_CONCURRENT_EXECUTIONS", default=1_000)
MAX_WAITING_EXECUTIONS = env.int("MAX_WAITING_EXECUTIONS", default=10_000)
MAX_RUNS_PER_MINUTE = env.int("MAX_RUNS_PER_MINUTE", default=6_000)
MAX_WEB_SOCKETS = env.int("MAX_WEB_SOCKETS", default=1_000)
MAX_RESOURCE_CHECKS = env.int("MAX_RESOURCE_CHECKS", default=10)
# Of all organisations together, in one web process: each waits for somebody's server in a thread of its own.
MAX_CHECK_THREADS = env.int("MAX_CHECK_THREADS", default=40)
