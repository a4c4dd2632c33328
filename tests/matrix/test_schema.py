"""schemathesis: requests made from the OpenAPI document, as everybody; answers are as the document says, and no 5xx."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, cycle, islice, product
from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework_simplejwt.tokens import AccessToken
from schemathesis import Case, GenerationMode

from tests.matrix.actors import ACTORS, Asker, World, switch_off
from tests.matrix.api_rows import ROWS
from tests.matrix.openapi import GENERATION, document, faults_of, not_as_documented, operations, pattern, send
from tests.matrix.world import Things

#: Which of the tenant's things stand in an address.
PLACES = {pattern(row.route): row.at for row in ROWS}
#: And in a body or a query.
NAMED = {
    "teamId": "team", "organisationId": "organisation", "flowId": "flow", "environmentId": "environment",
    "userId": "colleague", "ids": "flow", "resourceId": "resource",
}  # fmt: skip
RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
AT_RANDOM = 40  # requests an operation


@dataclass
class Exploration:
    """Who asks, what was answered so far, and what was wrong: one sentence a kind of fault."""

    things: Things
    askers: dict[str, Asker]
    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World) -> Exploration:
        """Return one that nobody has asked anything of yet."""
        switch_off(world)
        askers = {name: Asker(world.actors[name], by_session=False) for name in ACTORS}
        return cls(world.tenants["acme"], askers)

    def ask(self, case: Case[Any], actor: str, *, known: bool) -> None:
        """Send the case as the actor; `known`: about what is there, for made-up ids are only ever 404."""
        if known:
            put_ids(case, self.things)
        answer = send(self.askers[actor], case)
        self.statuses[answer.status_code] += 1
        for kind, fault in faults_of(case, answer).items():
            self.faults.setdefault(kind, f"as {actor}: {fault}")

    def finish(self, *, least: int) -> None:
        """Fail where anything was wrong, or where too little was asked."""
        print(f"\n{self.statuses.total()} requests: {dict(self.statuses)}")  # noqa: T201  # the figure to show
        assert not self.faults, "\n\n".join(self.faults.values())
        assert self.statuses.total() >= least


def put_ids(case: Case[Any], things: Things) -> None:
    """Put the tenant's own ids into the request's address, query and body."""
    names = case.operation.path_parameters
    keys = PLACES.get(pattern(case.operation.path), ())
    case.path_parameters = {each.name: str(things.key(key)) for each, key in zip(names, keys, strict=True)}
    for fields in (case.query, case.body):
        if isinstance(fields, dict):
            fields |= {name: str(things.key(NAMED[name])) for name in fields if name in NAMED}


def cases_of(operation: Any, mode: GenerationMode) -> Iterator[Case[Any]]:
    """Yield what schemathesis makes of the document by rule (so the same each time): right requests, or wrong ones."""
    cases: Iterator[Case[Any]] = document().iter_coverage_cases(
        operation, generation_modes=[mode], generation_config=GENERATION
    )
    return cases


def some_of(operation: Any, mode: GenerationMode, *places: int) -> Iterator[Case[Any]]:
    """Yield those at these places, without making all others: they are hundreds for a flow."""
    for place in places:
        yield from islice(cases_of(operation, mode), place, place + 1)


def test_answers_are_as_the_document_says(world: World) -> None:
    """The same requests every time: what changes between two runs is the product."""
    exploration = Exploration.of(world)
    actors = cycle([each for name in ACTORS for each in ("owner", name)])
    for number, operation in enumerate(operations()):
        right, wrong = some_of(operation, RIGHT, 0), some_of(operation, WRONG, number % 7)
        for case in chain(right, wrong):
            exploration.ask(case, next(actors), known=True)
    exploration.finish(least=180)


@pytest.mark.parametrize(
    ("status", "content", "content_type", "fault"),
    [
        (200, b'{"id": 1}', "application/json", "JsonSchemaError"),
        (200, b"[]", "text/html", "UndefinedContentType"),
        (299, b"", "application/json", "UndefinedStatusCode"),
        (500, b"", "application/json", "ServerError"),
    ],
)
def test_what_is_not_in_the_document_is_found(
    status: int, content: bytes, content_type: str, fault: str
) -> None:
    row = next(row for row in ROWS if str(row) == "GET api/v1/profile")
    found = not_as_documented(row, HttpResponse(content, status=status, content_type=content_type))
    assert any(fault in kind for kind in found)


@pytest.fixture
def long_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever signs in may go on for as long as the soak takes."""
    monkeypatch.setattr(AccessToken, "lifetime", timedelta(hours=12))


@pytest.mark.soak
@pytest.mark.parametrize(("flows", "least"), [(True, 8_200), (False, 11_800)], ids=["flows", "others"])
def test_all_answers_are_as_the_document_says(
    long_logins: None, world: World, flows: bool, least: int
) -> None:
    """20 000 requests, in two parts: a flow's document is half of all there is to send."""
    exploration = Exploration.of(world)
    for operation in (each for each in operations() if each.path.startswith("/api/v1/flows") is flows):
        for case in chain(cases_of(operation, RIGHT), cases_of(operation, WRONG)):
            exploration.ask(case, "owner", known=True)
        for name, mode in product(ACTORS, (RIGHT, WRONG)):
            for case in some_of(operation, mode, 0, 5, 10):
                exploration.ask(case, name, known=True)
        at_random(operation, exploration)
    exploration.finish(least=least)


def at_random(operation: Any, exploration: Exploration) -> None:
    """Ask what hypothesis makes of the document."""

    @settings(
        max_examples=AT_RANDOM,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), actor=st.sampled_from(["owner", *ACTORS]), known=st.booleans())
    def ask(case: Case[Any], actor: str, known: bool) -> None:
        exploration.ask(case, actor, known=known)

    ask()
