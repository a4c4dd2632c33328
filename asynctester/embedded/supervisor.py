"""Keeps the processes of an installation running, and ends them all."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asynctester.embedded.processes import end, start

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
STEADY_AFTER = 30.0  # seconds after which a child counts as well again
LARGEST_LOG = 10 * 1024 * 1024


class Stopped(Exception):
    """Somebody asked for the end while something was being waited for."""


@dataclass(slots=True)
class Child:
    """A process that is to run always; `pause` is the wait before its next start."""

    name: str
    command: Sequence[str | Path]
    inherited: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restart_at: float | None = None
    pause: float = FIRST_PAUSE

    def has_ended(self) -> bool:
        """Say whether its process is over."""
        return self.process is not None and self.process.poll() is not None


@dataclass(slots=True)
class Supervisor:
    """Starts children in order and ends them in reverse.

    It is to be used from the main thread: children die with the thread that started them.
    """

    environment: Mapping[str, str]
    folder: Path
    logs: Path
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def listen_for_signals(self) -> None:
        """Stop on Ctrl-C, SIGTERM and, unless started with nohup, SIGHUP."""
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGTERM, self._stop)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._stop)

    def _stop(self, *_: object) -> None:
        self.stopping.set()

    def start(self, name: str, command: Sequence[str | Path], *, inherited: Sequence[int] = ()) -> Child:
        """Start a child, which keeps the `inherited` file descriptors, and look after it from now on."""
        child = Child(name, command, inherited)
        self.children.append(child)
        self._launch(child)
        return child

    def run(self, name: str, command: Sequence[str | Path]) -> int:
        """Run a command to its end and return its exit code; raises Stopped."""
        child = self.start(name, command)
        try:
            self.wait_for(child.has_ended)
        finally:
            self.children.remove(child)
            if child.process is not None:
                end([child.process])
        return child.process.returncode if child.process is not None else 1

    def wait_for(self, holds: Callable[[], bool], *, within: float = float("inf")) -> bool:
        """Look after the children until `holds()` (True) or the time is over (False); raises Stopped."""
        deadline = time.monotonic() + within
        while not holds():
            if self.stopping.wait(0.05):
                raise Stopped
            if time.monotonic() > deadline:
                return False
        return True

    def watch(self) -> None:
        """Restart children that die, until somebody asks for the end."""
        while not self.stopping.wait(0.2):
            for child in self.children:
                self._look_after(child)

    def log(self, name: str) -> Path:
        """Return where a child's output goes."""
        return self.logs / f"{name}.log"

    def last_lines(self, name: str) -> str:
        """Return the end of a child's output, and where all of it is."""
        log = self.log(name)
        return f"{log.read_text(errors='replace')[-2_000:].strip()}\n({log})"

    def end(self) -> None:
        """End all children: those that use the broker first, at most 4.5 s in all."""
        running = [child.process for child in self.children if child.process is not None]
        end(running[1:], within=3.0)
        end(running[:1], within=1.0)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.restart_at is not None:
            if now >= child.restart_at:
                self._launch(child)
            return
        if child.process is None or child.process.poll() is None:
            return
        if now - child.started > STEADY_AFTER:
            child.pause = FIRST_PAUSE
        code = child.process.returncode
        self.say(
            f"{child.name} ended with code {code}, starts again in {child.pause:g} s ({self.log(child.name)})"
        )
        end([child.process])  # nothing of it may be left beside the new one
        child.restart_at = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _launch(self, child: Child) -> None:
        log = self.log(child.name)
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            child.process = start(
                child.command,
                environment=self.environment,
                folder=self.folder,
                output=output,
                # A supervisor that was killed cannot wait for a good end; the engine takes lost work back.
                death_signal=signal.SIGKILL,
                inherited=child.inherited,
            )
        child.started = time.monotonic()
        child.restart_at = None
