"""Pairs about flows and their versions."""

from __future__ import annotations

from flows.models import Flow, FlowVersion
from tests.races.racing import Answer
from tests.races.rounds import Round, once, pair
from tests.races.stage import Stage


def _versions(flow: Flow) -> None:
    """Check that the flow's number is that of its newest version, and that none is missing."""
    flow.refresh_from_db()
    numbers = sorted(FlowVersion.objects.filter(flow=flow).values_list("number", flat=True))
    assert numbers == list(range(1, flow.version + 1))


@pair("flow DELETE, flow PUT")
def flow_and_save(at: Stage) -> Round:
    made = at.flow()
    path = f"flows/{made.pk}"

    def check(deleted: Answer, _: Answer) -> None:
        assert deleted.ok
        _versions(made)
        assert made.deleted_at is not None

    return Round(at.ask("DELETE", path), at.ask("PUT", path, at.document()), check)


@pair("flow DELETE, flow PATCH")
def flow_and_patch(at: Stage) -> Round:
    made = at.flow()
    path = f"flows/{made.pk}"
    patch = at.ask("PATCH", path, {"description": "changed"})
    return Round(at.ask("DELETE", path), patch, lambda *_: _versions(made))


@pair("flow DELETE, flow DELETE")
def flow_twice(at: Stage) -> Round:
    made = at.flow()
    ask = at.ask("DELETE", f"flows/{made.pk}")
    return Round(ask, ask, lambda a, b: once("flow.delete", made, a, b))


@pair("flow DELETE, version restored")
def flow_and_restore(at: Stage) -> Round:
    made = at.flow()
    assert at.ask("PUT", f"flows/{made.pk}", at.document())().ok
    restore = at.ask("POST", f"flows/{made.pk}/versions/1/restore")
    return Round(at.ask("DELETE", f"flows/{made.pk}"), restore, lambda *_: _versions(made))


@pair("flow PUT, flow PUT of the same base")
def flow_saved_twice(at: Stage) -> Round:
    made = at.flow()
    first, second = (
        at.ask("PUT", f"flows/{made.pk}", {**at.document(delay=delay), "baseVersion": 1}) for delay in (2, 3)
    )

    def check(a: Answer, b: Answer) -> None:
        assert sorted([a.status, b.status]) == [200, 409]
        _versions(made)
        assert made.version == 2

    return Round(first, second, check)


@pair("flow PUT, version restored")
def flow_saved_and_restored(at: Stage) -> Round:
    made = at.flow()
    assert at.ask("PUT", f"flows/{made.pk}", at.document(delay=2))().ok
    put = at.ask("PUT", f"flows/{made.pk}", at.document(delay=3))
    restore = at.ask("POST", f"flows/{made.pk}/versions/1/restore")

    def check(a: Answer, b: Answer) -> None:
        assert a.ok
        assert b.ok
        _versions(made)
        assert made.version == 4

    return Round(put, restore, check)
