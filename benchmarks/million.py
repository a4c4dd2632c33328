"""A million executions: what lists and pages take, and what purging costs the flows that run meanwhile.

`python -m benchmarks.million [--executions N] [--sqlite] [--purge N] [--filled URL]`. Lists and pages are asked for in
this process, by Django's test client, with the database as a server beside it; the purge is that of a worker which
runs flows.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from asynctester.embedded import commands
from benchmarks.report import quantile, table
from benchmarks.servers import Servers, servers

ASKED = 7
PURGED = 100_000
STEPS = 20


def main() -> None:
    """Fill a database, and measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--executions", type=int, default=1_000_000)
    options.add_argument("--sqlite", action="store_true", help="SQLite instead of PostgreSQL.")
    options.add_argument("--purge", type=int, default=PURGED, help="Executions to purge while flows run.")
    options.add_argument(
        "--minutes", type=float, default=10, help="Measure for so long while it purges, at most."
    )
    options.add_argument("--filled", help="A database that was filled before, by URL.")
    given = options.parse_args()
    with servers() as shared:
        url = given.filled or (
            f"sqlite:///{shared.folder / 'million.sqlite3'}"
            if given.sqlite
            else shared.new_database("million")
        )
        _use(url, shared)
        if not given.filled:
            _fill(given.executions)
        print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {given.executions} executions\n")
        print(table(["what", "median ms", "CPU ms", "database ms", "statements"], list(_asked())))
        if given.purge:
            print("\n" + _purging(shared, url, given))


def _use(url: str, shared: Servers) -> None:
    os.environ.update(
        DATABASE_URL=url, DATA_DIR=str(shared.folder), DJANGO_SETTINGS_MODULE="asynctester.settings",
        EXECUTIONS_RETENTION_DAYS="0", RESULTS_RETENTION_DAYS="0", LOG_LEVEL="WARNING",
    )  # fmt: skip
    subprocess.run(commands.manage("migrate", "-v0"), check=True)
    import django  # noqa: PLC0415 - needs the environment that is set above

    django.setup()


def _fill(executions: int) -> None:
    from benchmarks import many_rows  # noqa: PLC0415 - needs Django to be set up

    started = time.perf_counter()
    many_rows.fill(many_rows.make_cast(), executions)
    print(f"filled in {time.perf_counter() - started:.0f} s", file=sys.stderr)


# --- lists and pages ------------------------------------------------------------------------------


def _asked() -> Iterator[list[str]]:
    """Yield, for each list and page, how long it takes."""
    from django.db import connection  # noqa: PLC0415 - needs Django to be set up
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above

    for name, ask in _questions().items():
        ask()  # templates, caches
        took, used, waited = [], [], []
        for _ in range(ASKED):
            started, processor = time.perf_counter(), time.process_time()
            with CaptureQueriesContext(connection) as queries:
                ask()
            took.append((time.perf_counter() - started) * 1000)
            used.append((time.process_time() - processor) * 1000)
            waited.append(sum(float(each["time"]) for each in queries.captured_queries) * 1000)
        yield [name, *(f"{statistics.median(each):.0f}" for each in (took, used, waited)), str(len(queries))]


def _questions() -> dict[str, Callable[[], None]]:
    from accounts.models import Team, User  # noqa: PLC0415 - needs Django to be set up
    from executions.models import Execution  # noqa: PLC0415 - as above
    from executions.pages.run_list import cursor_of  # noqa: PLC0415 - as above
    from flows.models import Flow  # noqa: PLC0415 - as above

    member, root = (User.objects.get(email=f"{name}@example.com") for name in ("member", "root"))
    runs = Execution.objects.filter(team=Team.objects.get(name="Checkout"))
    newest, old = runs.latest("created_at"), runs.order_by("created_at")[len(SEARCHES) * 100]
    often, rare = (Flow.objects.get(name=f"Checkout {name}").pk for name in ("flow 0", "needle"))
    ago = int((datetime.now(UTC) - timedelta(days=200)).timestamp() * 1000)
    pages: dict[str, dict[str, Any]] = {
        "runs": {},
        "runs, an old page": {"cursor": cursor_of(old)},
        **{f"runs, {name}": {"status": name} for name in ("COMPLETED", "FAILED", "CANCELLED", "PENDING")},
        "runs of a frequent flow": {"flow": often},
        "runs of a rare flow": {"flow": rare},
        "runs of 7 days": {"since": "7d"},
        **{f"runs, label {label}": {"label": label} for label in ("nightly", "rare", "nobody's")},
        **{f"runs, search {text}": {"search": text} for text in SEARCHES},
    }
    rest: dict[str, dict[str, Any]] = {
        "REST list": {},
        "REST, CANCELLED": {"status": "CANCELLED"},
        "REST, a user's": {"userId": root.pk},
        **{f"REST, label {label}": {"label": label} for label in ("nightly", "rare", "nobody's")},
        **{f"REST, source {source}": {"source": source} for source in ("API", "TRIGGER")},
        "REST, search needle": {"search": "needle"},
        "REST, before 200 days": {"until": ago},
    }
    admin = {
        "execution": ("", "?status__exact=CANCELLED", "?q=needle"),
        "executionstep": ("", "?status__exact=FAILED"),
    }
    client, api, site = _page_client(member), _api_client(member), _page_client(root)
    return {
        **{name: _asking(client, f"/executions?{urlencode(query)}") for name, query in pages.items()},
        "one run": _asking(client, f"/executions/{newest.pk}"),
        "one flow": _asking(client, f"/flows/{often}"),
        "outcomes of flows": _asking(client, f"/executions/outcomes?{urlencode({'flow': often})}"),
        **{name: _asking(api, f"/api/v1/executions?{urlencode(query)}") for name, query in rest.items()},
        "REST, one run": _asking(api, f"/api/v1/executions/{newest.pk}"),
        **{
            f"admin, {model}s {query}": _asking(site, f"/admin/executions/{model}/{query}")
            for model, queries in admin.items()
            for query in queries
        },
        "admin, flows": _asking(site, "/admin/flows/flow/"),
    }


#: A frequent name, a rare one, none.
SEARCHES = ("flow 0", "needle", "nothing")


def _asking(client: Any, address: str) -> Callable[[], None]:
    def ask() -> None:
        answer = client.get(address, SERVER_NAME="127.0.0.1")
        if answer.status_code != 200:
            raise AssertionError(f"{address}: {answer.status_code}")

    return ask


def _page_client(user: Any) -> Any:
    from django.test import Client  # noqa: PLC0415 - needs Django to be set up

    client = Client()
    client.force_login(user)
    return client


def _api_client(user: Any) -> Any:
    from rest_framework.test import APIClient  # noqa: PLC0415 - needs Django to be set up

    client = APIClient()
    client.force_authenticate(user)
    return client


# --- purging --------------------------------------------------------------------------------------


def _purging(shared: Servers, url: str, given: argparse.Namespace) -> str:
    """Run flows before, while and after a worker purges; return what a step took."""
    from benchmarks.contenders import Installation  # noqa: PLC0415 - imports what reads the environment

    workers = [commands.worker(32)] * 2
    installation = Installation("purging", shared, url, 3, workers, extra={"HOUSEKEEPING_SECONDS": "30"})
    installation.start()
    try:
        return _ratio(installation, given.purge / given.executions, given.minutes * 60)
    finally:
        installation.stop()


def _ratio(installation: Any, share: float, most_seconds: float) -> str:
    """Let the workers purge that share of all executions, the oldest, and run flows before, meanwhile and after."""
    from accounts.models import Team  # noqa: PLC0415 - needs Django to be set up
    from benchmarks.many_rows import DAYS  # noqa: PLC0415 - as above
    from executions.models import Execution  # noqa: PLC0415 - as above

    def flows(go_on: Callable[[], bool]) -> list[float]:
        took: list[float] = []
        while go_on() or len(took) < ROUND:
            took.append(installation.alone(STEPS) / STEPS)
        return took

    days = DAYS - round(DAYS * share)
    old = Execution.objects.filter(created_at__lt=datetime.now(UTC) - timedelta(days=days))
    flows(_times(3))
    before = flows(_times(ROUND))
    there = old.count()
    Team.objects.update(keep_executions_days=days)
    started = _when(lambda: old.count() < there)
    during = flows(lambda: time.monotonic() < started + most_seconds and old.exists())
    seconds, gone = time.monotonic() - started, there - old.count()
    Team.objects.update(keep_executions_days=0)
    _when(_nobody_purges)
    after = flows(_times(ROUND))
    rows = [
        [name, str(len(took)), f"{statistics.median(took):.1f}", f"{quantile(took, 0.95):.1f}"]
        for name, took in (("before", before), ("while purging", during), ("after", after))
    ]
    ratio = statistics.median(during) / statistics.median(before + after)
    return (
        table(["a step of a 20-step flow", "flows", "median ms", "p95 ms"], rows)
        + f"\n\n{gone} executions purged in {seconds:.0f} s; a step takes {ratio:.2f} times as long meanwhile."
    )


def _when(holds: Callable[[], bool]) -> float:
    """Wait until it holds; return the time (monotonic)."""
    while not holds():
        time.sleep(1)
    return time.monotonic()


def _nobody_purges() -> bool:
    from django.utils import timezone  # noqa: PLC0415 - needs Django to be set up

    from executions.models import Chore  # noqa: PLC0415 - as above

    return not Chore.objects.filter(held_until__gt=timezone.now()).exists()


#: Flows before and after, at least so many meanwhile.
ROUND = 30


def _times(number: int) -> Callable[[], bool]:
    left = iter(range(number))
    return lambda: next(left, None) is not None


if __name__ == "__main__":
    main()
