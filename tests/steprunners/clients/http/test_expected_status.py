"""What the http step expects of a status, and where nothing is said."""

from __future__ import annotations

from typing import Any

import pytest

from steprunners.assertions.evaluation import evaluate_all
from steprunners.clients.http.config import HttpConfig
from tests.steprunners.http_calls import RUNNER


class TestExpectations:
    def outcomes(
        self, status: int, body: Any = None, fields: frozenset[str] = frozenset(), **meta: Any
    ) -> list[bool]:
        config = HttpConfig.model_validate({"url": "http://h/", **meta})
        expected = RUNNER.expectations(config, fields)
        return [outcome.passed for outcome in evaluate_all(expected, {"status": status, "body": body})]

    @pytest.mark.parametrize(
        ("status", "holds"), [(200, True), (302, True), (399, True), (400, False), (503, False)]
    )
    def test_default(self, status: int, holds: bool) -> None:
        assert self.outcomes(status) == [holds]

    @pytest.mark.parametrize("field", ["status", "response.status", "$.status"])
    def test_an_assertion_on_the_status_takes_its_place(self, field: str) -> None:
        assert self.outcomes(500, fields=frozenset({field})) == []

    @pytest.mark.parametrize(
        ("expected", "status", "holds"),
        [
            (404, 404, True), (404, 200, False), ("404", 404, True), ("2xx", 204, True), ("2XX", 302, False),
            ([200, "4xx"], 451, True), ([200, "4xx"], 201, False), ([200, 201], 201, True),
        ],
    )  # fmt: skip
    def test_expected_status(self, expected: Any, status: int, holds: bool) -> None:
        assert self.outcomes(status, expectedStatus=expected) == [holds]

    def test_expected_response(self) -> None:
        shape = {"id": "any.string"}
        assert self.outcomes(200, {"id": "1", "more": 2}, expectedResponse=shape) == [True, True]
        assert self.outcomes(200, {"id": 1}, expectedResponse=shape) == [True, False]
