"""All benchmarks, one after the other: `python -m benchmarks [--quick]`. See README.md."""

from __future__ import annotations

import subprocess
import sys

QUICK = {
    "engine": ["--quick"],
    "pools": [
        "--rounds",
        "1",
        "--burst",
        "20",
        "threads 8",
        "2 processes of threads 8",
        "2 processes of threads 32",
    ],
    "waiting": ["--steps", "2000"],
    "live": ["--clients", "100"],
    "peers": ["--rounds", "1"],
}


def main() -> None:
    """Run each part in a process of its own, and go on where one fails."""
    quick = "--quick" in sys.argv[1:]
    failed = [part for part, options in QUICK.items() if _run(part, options if quick else []) != 0]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _run(part: str, options: list[str]) -> int:
    print(f"\n## {part}\n", flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{part}", *options], check=False).returncode


if __name__ == "__main__":
    main()
