"""The service's settings with less patience: a lost worker is found after 3 s, a lost message too."""

from asynctester.settings import *  # noqa: F403 # this is what a settings file on top of another does

ENGINE_UNCLAIMED_SECONDS = 3
ENGINE_LEASE_SECONDS = 3
ENGINE_HEARTBEAT_SECONDS = 0.5
