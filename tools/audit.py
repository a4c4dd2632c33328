"""Asks an advisory service about the pinned requirements (pip-audit); says so where the service does not answer.

Exit code 1 where a requirement has a known vulnerability. A service that cannot be reached, or that does not know the
packages, is told and is no failure: CI does not hang on somebody else's server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120


def main() -> int:
    """Audit the requirements of production and those of `make run`."""
    answer = _ask()
    if answer is None:
        return 0
    vulnerable = [each for each in answer if each.get("vulns")]
    unknown = [each for each in answer if "skip_reason" in each]
    for each in vulnerable:
        for vuln in each["vulns"]:
            print(
                f"{each['name']} {each['version']}: {vuln['id']}, fixed in {', '.join(vuln['fix_versions']) or '?'}"
            )
    if unknown:
        print(
            f"pip-audit: NOT AUDITED, the advisory service knows nothing of {len(unknown)} of {len(answer)} packages"
        )
    else:
        print(f"pip-audit: {len(answer)} packages audited, {len(vulnerable)} vulnerable")
    return 1 if vulnerable else 0


def _ask() -> list[dict[str, Any]] | None:
    """Return what is known of each package; None, and a line that says so, where there is no answer."""
    options = [
        "-r",
        str(ROOT / "requirements-demo.txt"),
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    try:
        asked = subprocess.run(
            [sys.executable, "-m", "pip_audit", *options],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        dependencies: list[dict[str, Any]] = json.loads(asked.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        print(f"pip-audit: NOT AUDITED, the advisory service did not answer within {SECONDS} s")
    except (ValueError, KeyError):
        print(f"pip-audit: NOT AUDITED, the advisory service gave no answer: {asked.stderr.strip()[-300:]}")
    else:
        return dependencies
    return None


if __name__ == "__main__":
    sys.exit(main())
