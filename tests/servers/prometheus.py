"""Debian's Prometheus with samples that the test gives, so that every expected number is exact."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from urllib.request import Request, urlopen

from asynctester.embedded.processes import free_port
from tests.servers.server import Unavailable, launch

#: The login of every server that is started here: `tester` with this password.
PASSWORD = "let-me-in"
_BCRYPT = "$2b$04$8xGsn72Zq3VrhDvDMIhS.OFjWbJFqJRrXI2mFGfdVK3GR3hNdrN9K"
_SCRAPING = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: shop, static_configs: [{{targets: ["{address}"]}}]}}]
"""


def sample_line(name: str, labels: dict[str, str], value: float | str, at_seconds: float) -> str:
    """Return a sample in OpenMetrics text; the label's values are escaped as that format says."""
    inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inner}}} {value} {at_seconds:.3f}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def start_prometheus(
    folder: Path, samples: Iterable[str] = (), *, with_login: bool = False, scraped: str | None = None
) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server that holds the `samples`; return its process and its URL. Raises Unavailable.

    `scraped` is the address (host:port) whose /metrics it asks for, once a second.
    """
    binaries = {name: shutil.which(name) for name in ("prometheus", "promtool")}
    if None in binaries.values():
        raise Unavailable("no prometheus and promtool on PATH (Debian: apt-get install prometheus)")
    data = folder / "data"
    data.mkdir()
    _load(str(binaries["promtool"]), folder, data, list(samples))
    (folder / "prometheus.yml").write_text(_SCRAPING.format(address=scraped) if scraped else "global: {}\n")
    (folder / "web.yml").write_text(f"basic_auth_users: {{tester: {_BCRYPT}}}\n" if with_login else "{}\n")
    url = f"http://127.0.0.1:{free_port()}"
    process = launch(
        [
            str(binaries["prometheus"]),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--web.config.file={folder / 'web.yml'}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=50y",
            f"--web.listen-address={url.removeprefix('http://')}",
        ],
        ready=lambda: _is_ready(url, with_login),
        log=folder / "prometheus.log",
    )
    return process, url


def _load(promtool: str, folder: Path, data: Path, samples: list[str]) -> None:
    if not samples:
        return
    # OpenMetrics wants the samples of a metric together.
    source = folder / "samples.om"
    source.write_text("\n".join([*samples, "# EOF", ""]))
    done = subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", source, data],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ValueError(f"promtool does not take the samples: {done.stderr[-1_000:]}{done.stdout[-1_000:]}")


def _is_ready(url: str, with_login: bool) -> bool:
    """Asked with the login: without it a server that still starts answers 401 as one that is ready does."""
    headers = (
        {"Authorization": f"Basic {b64encode(f'tester:{PASSWORD}'.encode()).decode()}"} if with_login else {}
    )
    request = Request(f"{url}/-/ready", headers=headers)  # noqa: S310 - our own loopback address
    try:
        with urlopen(request, timeout=1) as answer:  # noqa: S310 - as above
            return bool(answer.status == 200)
    except OSError:
        return False
