"""Tests of `asynctester.api.lists`."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from accounts.models import Team, User
from asynctester.api.openapi import Generator
from flows.selectors import check_for_team
from flows.services import create_flow
from tests.cast import ApiFor, PageFor

TEAMS = "/api/v1/teams"


@pytest.mark.parametrize(
    ("query", "statuses"),
    [
        ("page=0", {404}),
        ("page=-1", {404}),
        ("page=x", {404}),
        ("page=99999999999999999999", {404}),
        ("page=" + "9" * 5000, {404}),
        ("pageSize=0", {200}),
        ("pageSize=x", {200}),
        ("pageSize=1000000", {200}),
        ("pageSize=" + "9" * 5000, {200}),
        ("ordering=nothing,-createdAt,--name,__class__", {400}),
        ("ordering=-createdAt,,name", {200}),
        ("ordering=--name", {400}),
        ("ordering=-", {400}),
        ("ordering=created_at", {400}),
        ("ordering=", {200}),
        ("format=json", {200}),
        ("&&", {200}),
        ("=1", {400}),
        ("%F0%9F%98%80=1", {400}),
        ("&".join(f"p{number}=1" for number in range(900)), {400}),
        ("search=%22%27,,,%5C%ff", {200}),
        ("search=" + "x" * 5000, {200}),
        ("search=" + "x" * 50_000, {400}),
        ("search=" + "a+" * 50, {200}),
        ("search=" + "a+" * 20_000, {400}),
    ],
)
def test_lists_take_any_query(api: ApiFor, alice: User, query: str, statuses: set[int]) -> None:
    answer = api(alice).get(f"{TEAMS}?{query}")
    assert answer.status_code in statuses, answer.content


@pytest.mark.parametrize("things", ["executions", "flows"])
def test_a_label_is_no_longer_than_labels_are(api: ApiFor, alice: User, things: str) -> None:
    for length, status in ((100, 200), (50_000, 400)):
        assert api(alice).get(f"/api/v1/{things}?label={'x' * length}").status_code == status


def test_ordering_takes_wire_names(api: ApiFor, alice: User) -> None:
    api(alice).post(TEAMS, {"name": "Zebra"})
    newest_first = api(alice).get(f"{TEAMS}?ordering=-createdAt&pageSize=1").json()
    assert [team["name"] for team in newest_first["results"]] == ["Zebra"]
    assert newest_first["count"] == 2


def operations() -> dict[str, dict[str, Any]]:
    """Return what the OpenAPI document says of each GET that answers with a list."""
    paths = Generator().get_schema()["paths"]  # type: ignore[no-untyped-call]  # it has no types
    found = {path: methods["get"] for path, methods in paths.items() if "get" in methods}
    return {path: get for path, get in found.items() if _is_list(get["responses"]["200"])}


def _is_list(answer: Any) -> bool:
    schemas = [each.get("schema", {}) for each in answer.get("content", {}).values()]
    return any("Paginated" in schema.get("$ref", "") or schema.get("type") == "array" for schema in schemas)


LISTS = operations()
FILTERS = {
    path: [each["name"] for each in get.get("parameters", []) if each["in"] == "query"]
    for path, get in LISTS.items()
}


@pytest.fixture
def address(alice: User, team: Team) -> Any:
    """Return a path of the OpenAPI document with the ids of things that there are."""
    document = {"name": "F", "steps": [{"name": "a", "stepType": "delay", "meta": {"delayMs": 1}}]}
    flow = create_flow(team=team, user=alice, document=check_for_team(team, document))
    ids = {"organisations": team.organisation_id, "teams": team.pk, "flows": flow.pk}

    def fill(path: str) -> str:
        return path.replace("{id}", str(ids.get(path.split("/")[3])))

    return fill


def refused(answer: Any) -> list[tuple[str, str, str]]:
    assert answer.status_code == 400, answer.content
    return [(each["attr"], each["code"], each["detail"]) for each in yaml.safe_load(answer.content)["errors"]]


def test_all_lists_are_known() -> None:
    assert {path.removeprefix("/api/v1/") for path in LISTS} == {
        "audit-log", "audit-log/export", "environments", "executions", "flows", "flows/export", "flows/{id}/versions",
        "invitations", "organisations", "organisations/{id}/members", "organisations/{id}/teams", "resource-types",
        "resources", "step-types", "teams", "teams/{id}/members", "tokens", "users",
    }  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_an_unknown_parameter_is_refused(api: ApiFor, alice: User, address: Any, path: str) -> None:
    problems = refused(api(alice).get(address(path), {"statu": "FAILED", "zzz": "", "page_size": "1"}))
    assert [(attr, code) for attr, code, _ in problems] == [
        ("statu", "unknown"), ("zzz", "unknown"), ("page_size", "unknown"),
    ]  # fmt: skip
    assert all("Known ones: " in detail for *_, detail in problems)


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path, names in FILTERS.items() for name in names]
)
def test_a_documented_parameter_is_known_and_suggested(
    api: ApiFor, alice: User, address: Any, path: str, name: str
) -> None:
    assert api(alice).get(address(path), {name: "json" if name == "format" else ""}).status_code in (200, 404)
    for misspelt in (name[:-1], name.upper(), f"{name}s"):
        if misspelt not in FILTERS[path]:
            [(attr, _, detail)] = refused(api(alice).get(address(path), {misspelt: "x"}))
            assert attr == misspelt
            assert f"did you mean {name}" in detail or name in detail.partition("?")[0]


@pytest.mark.parametrize("path", [path for path, names in FILTERS.items() if "ordering" in names])
def test_an_unknown_ordering_is_refused(api: ApiFor, alice: User, address: Any, path: str) -> None:
    for ordering in ("nope", "-nope", "id__x", "pk"):
        [(attr, code, detail)] = refused(api(alice).get(address(path), {"ordering": ordering}))
        assert (attr, code) == ("ordering", "invalid_choice")
        assert "Must be one of: " in detail


@pytest.mark.parametrize(
    ("query", "attr", "said"),
    [
        ("executions?status=FAIL", "status", "did you mean FAILED?"),
        ("executions?status=COMPLETED,FAILD", "status", "did you mean FAILED?"),
        ("executions?status=SUCCESS", "status", "Must be one of: PENDING"),
        ("executions?source=PAGES", "source", "did you mean PAGE?"),
        ("executions?ordering=createdAT", "ordering", "did you mean createdAt?"),
        ("executions?ordering=startedAt", "ordering", "Must be one of: createdAt"),
        ("executions?statu=FAILED", "statu", "did you mean status?"),
        ("executions?page=1", "page", "Known ones: cursor"),
        ("audit-log?door=AP", "door", "did you mean API"),
        ("resources?type=htp", "type", "did you mean http?"),
        ("flows/export?id=1", "id", "did you mean ids?"),
        ("step-types?type=http", "type", "Known ones: format."),
        ("flows/FLOW/diff?form=1&to=1", "form", "did you mean format or from?"),
    ],
)
def test_the_nearest_is_suggested(
    api: ApiFor, alice: User, address: Any, query: str, attr: str, said: str
) -> None:
    path = query.replace("flows/FLOW", address("/api/v1/flows/{id}").removeprefix("/api/v1/"))
    [(place, _, detail)] = refused(api(alice).get(f"/api/v1/{path}"))
    assert place == attr
    assert said in detail


def test_an_import_into_a_misspelt_team_is_refused(api: ApiFor, alice: User) -> None:
    [(attr, _, detail)] = refused(api(alice).post("/api/v1/flows/import?teamID=x", []))
    assert attr == "teamID"
    assert "did you mean teamId?" in detail


@pytest.mark.parametrize(
    "query",
    ["status=failed,%20Completed", "status=,", "ordering=-createdAt", "source=api", "since=0&until=1"],
)
def test_what_is_right_stays_right(api: ApiFor, alice: User, query: str) -> None:
    assert api(alice).get(f"/api/v1/executions?{query}").status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_the_pages_of_the_api_show_lists(page: PageFor, alice: User, address: Any, path: str) -> None:
    answer = page(alice).get(address(path), headers={"Accept": "text/html"})
    assert answer.status_code in ((200, 406) if "export" in path else (200,))


def test_one_thing_is_no_list(api: ApiFor, alice: User, team: Team) -> None:
    assert api(alice).get(f"{TEAMS}/{team.pk}?x=1").status_code == 200
