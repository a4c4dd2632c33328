"""What changed between two versions: a list of places, and a unified diff of their YAML."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

from flows.diffs.lines import unified_diff
from flows.models import FlowVersion
from flows.yaml.text import write_yaml
from steprunners.budgets.effort import tick, working
from steprunners.json_types import Json
from steprunners.references.resolution import MASK

Change = dict[str, Any]


@working(processor=inf)
def changes_between(before: FlowVersion, after: FlowVersion) -> list[Change]:
    """Return `{path, kind, before, after}` a change; kind is `added`, `removed`, `changed` or `moved`.

    Steps are matched by id and variables by name, and both are named in paths (`steps.row.meta.query`), so that
    a step put in front of others is one change.
    """
    old, new = before.document, after.document
    found = [
        change
        for key in ("name", "description", "labels")
        for change in _changes((key,), old.get(key), new.get(key))
    ]
    found += _named_changes("variables", old["variables"], new["variables"], key="name")
    found += _secret_changes(before.secrets or {}, after.secrets or {})
    found += _named_changes("steps", old["steps"], new["steps"], key="id")
    return found


@working(processor=inf)
def unified_yaml(before: FlowVersion, after: FlowVersion) -> str:
    """Return the unified diff of the two documents as YAML."""
    old, new = (write_yaml(version.document).splitlines(keepends=True) for version in (before, after))
    return unified_diff(old, new, f"version {before.number}", f"version {after.number}")


def _change(path: tuple[str, ...], kind: str, before: Json = None, after: Json = None) -> Change:
    return {"path": ".".join(path), "kind": kind, "before": before, "after": after}


def _changes(path: tuple[str, ...], before: Json, after: Json) -> Iterator[Change]:
    """Yield what differs between two values that are there."""
    tick()
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _object_changes(path, before, after)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes((*path, str(index)), old, new)
    elif before != after or type(before) is not type(after):
        yield _change(path, "changed", before, after)


def _object_changes(
    path: tuple[str, ...], before: dict[str, Json], after: dict[str, Json]
) -> Iterator[Change]:
    for key in dict.fromkeys((*before, *after)):
        if key not in after:
            yield _change((*path, key), "removed", before=before[key])
        elif key not in before:
            yield _change((*path, key), "added", after=after[key])
        else:
            yield from _changes((*path, key), before[key], after[key])


def _named_changes(root: str, before: list[Any], after: list[Any], *, key: str) -> Iterator[Change]:
    old, new = ({each[key]: each for each in part} for part in (before, after))
    for same in dict.fromkeys((*old, *new)):
        name = (new.get(same) or old[same])["name"]
        if same not in new:
            yield _change((root, name), "removed", before=old[same])
        elif same not in old:
            yield _change((root, name), "added", after=new[same])
        else:
            yield from _changes((root, name), old[same], new[same])
    if [same for same in old if same in new] != [same for same in new if same in old]:
        orders = [[each["name"] for each in part] for part in (before, after)]
        yield _change((root,), "moved", *orders)


def _secret_changes(before: dict[str, Json], after: dict[str, Json]) -> Iterator[Change]:
    for name, value in before.items():
        if name in after and after[name] != value:
            yield _change(("variables", name, "defaultValue"), "changed", MASK, MASK)
