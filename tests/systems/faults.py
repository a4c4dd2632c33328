"""Every way in which each of the systems is broken, and what the user is to be told about it.

`behind` is what the shop does wrong (lab/faults.py); `resources` are the resources that the run takes instead, by what
they are called in the flow; `base_url` replaces the shop's address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SYSTEMS = ("kafka", "postgresql", "mariadb", "redis", "prometheus", "loki")
#: The shop's own word for what Prometheus collects.
_BEHIND = {"prometheus": "metrics"}


@dataclass(frozen=True)
class Fault:
    """A system and what is wrong with it; `told` is an expression that the failure's text matches."""

    system: str
    kind: str
    status: str
    told: str
    behind: str = ""
    resources: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""

    @property
    def step(self) -> str:
        """The step that is to fail."""
        return "create_order" if self.system == "http" else self.system

    @property
    def is_patient(self) -> bool:
        """Whether it shows only once the step's time is over."""
        return self.kind in ("missing", "late", "wrong value")

    def __str__(self) -> str:
        return f"{self.system}: {self.kind}"


#: What assertions say of a wrong value, and of what is not there (in time).
_LOST = 'is "LOST", expected "FULFILLED"'
WRONG = {
    "kafka": rf"messages\[0\]\.value\.status {_LOST}",
    "postgresql": rf"rows\[0\]\.status {_LOST}",
    "mariadb": rf"rows\[0\]\.status {_LOST}",
    "redis": rf"json\.status {_LOST}",
    "prometheus": r"duration1Results\[0\]\.aggregatedValue is 3\.0, expected 2",
    "loki": r'line is "order fulfilled .* status=LOST", expected it to contain "status=FULFILLED"',
}
MISSING = {
    "kafka": r"count is 0, expected at least 1",
    "postgresql": r"rowCount is 0, expected 1",
    "mariadb": r"rowCount is 0, expected 1",
    "redis": r"json\.status has no value",
    "prometheus": r"duration1Results has 0 elements",
    "loki": r"matchCount is 0, expected 1",
}
DOWN = r"cannot connect to 127\.0\.0\.1:\d+: connection refused \(nothing listens there\)"
PASSWORD = {
    "kafka": "refused the login: username or password is wrong",
    "postgresql": "password authentication failed for user",
    "mariadb": "Access denied for user",
    "redis": "invalid username-password pair",
    "prometheus": r"Prometheus refuses the login \(401\)",
    "loki": r"Loki refuses the login \(401\)",
}


def faults() -> Iterator[Fault]:
    """Yield all of them."""
    yield Fault("http", "wrong value", "FAILED", "status is 400, expected 201", behind="no-such-fault")
    yield Fault("http", "missing", "FAILED", "status is 404, expected 201", base_url="{shop}/nowhere")
    yield Fault("http", "late", "ERROR", "not finished within", base_url="{silent}")
    yield Fault("http", "server down", "ERROR", DOWN, base_url="{closed}")
    yield Fault("http", "wrong password", "FAILED", "status is 401, expected 201", base_url="{guarded}")
    for system in SYSTEMS:
        behind = _BEHIND.get(system, system)
        yield Fault(system, "wrong value", "FAILED", WRONG[system], behind=f"{behind}-value")
        yield Fault(system, "missing", "FAILED", MISSING[system], behind=f"{behind}-missing")
        yield Fault(system, "late", "FAILED", MISSING[system], behind=f"{behind}-late")
        name = f"shop-{system}"
        yield Fault(system, "server down", "ERROR", DOWN, resources={name: f"{name}-down"})
        yield Fault(system, "wrong password", "ERROR", PASSWORD[system], resources={name: f"{name}-login"})
