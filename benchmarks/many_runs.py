"""Starts a flow's newest version many times, by the service itself: `python -m benchmarks.many_runs FLOW_ID COUNT`.

The environment is the installation's (DATABASE_URL, REDIS_URL).
"""

from __future__ import annotations

import os
import sys


def main(flow_id: str, count: int) -> None:
    """Start the runs, one after the other."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asynctester.settings")
    import django  # noqa: PLC0415 - models can be imported once it is set up

    django.setup()
    from executions.starting.start import start_execution  # noqa: PLC0415 - as above
    from flows.models import FlowVersion  # noqa: PLC0415 - as above

    version = FlowVersion.objects.filter(flow_id=flow_id).order_by("number").last()
    if version is None:
        raise SystemExit(f"there is no flow {flow_id}")
    for _ in range(count):
        start_execution(team=version.flow.team, user=None, source="API", version=version)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
