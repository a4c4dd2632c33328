"""The admin of resources, environments and limits."""

from resources.admin import limits, resources  # noqa: F401 - importing them registers them
