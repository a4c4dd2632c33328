"""What a request is told whose work was stopped, in JSON and as a page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts.models import User
from asynctester.middleware.fair_work import GONE, FairWork
from steprunners.budgets.effort import NobodyWaits, Stopped, TooManyAtOnce, TooMuchWork, check, working
from tests.cast import ApiFor


def raising(error: Stopped) -> Callable[..., Any]:
    def stopped(*_: Any, **__: Any) -> Any:
        raise error

    return stopped


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(TooMuchWork("so much"), 400, "too_much_work"), (TooManyAtOnce(), 429, "too_much_at_once")],
)
def test_rest_views(
    api: ApiFor, alice: User, monkeypatch: pytest.MonkeyPatch, error: Stopped, status: int, code: str
) -> None:
    monkeypatch.setattr("flows.api.views.documents.check_for_team", raising(error))
    answer = api(alice).post("/api/v1/flows/validate", {}, format="json")
    assert answer.status_code == status
    assert answer.json()["errors"][0]["code"] == code
    assert ("Retry-After" in answer.headers) is (status == 429)


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [(TooMuchWork("so much"), 400, "so much"), (TooManyAtOnce(), 429, "Try again"), (NobodyWaits(), 499, "")],
)
def test_pages(alice: User, error: Stopped, status: int, told: str) -> None:
    request = RequestFactory().get("/flows")
    request.user = alice
    answer = FairWork(lambda _: HttpResponse()).process_exception(request, error)
    assert isinstance(answer, HttpResponse)
    assert answer.status_code == status
    assert told in answer.content.decode()


def test_other_errors_are_left_alone() -> None:
    request = RequestFactory().get("/")
    assert FairWork(lambda _: HttpResponse()).process_exception(request, ValueError()) is None


def test_work_ends_when_the_client_is_gone() -> None:
    gone = threading.Event()

    def view(_: HttpRequest) -> HttpResponse:
        with working():
            check()
            gone.set()
            with pytest.raises(NobodyWaits):
                check()
        assert FairWork.at_work() == before + 1
        return HttpResponse()

    before = FairWork.at_work()
    request: Any = RequestFactory().get("/")
    request.scope = {GONE: gone}
    assert FairWork(view)(request).status_code == 200
    assert FairWork.at_work() == before
