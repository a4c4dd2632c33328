"""The service's settings with less patience: a lost message is published again after 3 s instead of 30."""

from asynctester.settings import *  # noqa: F403 # this is what a settings file on top of another does

ENGINE_UNCLAIMED_SECONDS = 3
