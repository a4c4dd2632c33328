"""The settings, a module for each subject; everything that differs between machines is read from the environment.

DJANGO_SETTINGS_MODULE is this package. A new setting goes into the module of its subject, into `.env.example` and into
docs/deployment.md.
"""

# ruff: noqa: F403  # Django reads all settings from one namespace
from asynctester.settings.accounts import *
from asynctester.settings.browsers import *
from asynctester.settings.engine import *
from asynctester.settings.environment import *
from asynctester.settings.limits import *
from asynctester.settings.messaging import *
from asynctester.settings.observability import *
from asynctester.settings.project import *
from asynctester.settings.rest import *
from asynctester.settings.retention import *
