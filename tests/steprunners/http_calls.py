"""Calls of the http step, as the tests of what it is made of make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from steprunners.clients.http.config import HttpConfig
from steprunners.kinds.http import HttpRunner
from steprunners.runner import Finished
from tests.steprunners.target import Exchange

RUNNER = HttpRunner()

FORM = "application/x-www-form-urlencoded"


def run(context: Any, **meta: Any) -> dict[str, Any]:
    outcome = RUNNER.run(HttpConfig.model_validate(meta), context)
    assert isinstance(outcome, Finished)
    json.dumps(outcome.result, allow_nan=False)
    RUNNER.result_class.model_validate(outcome.result)
    return outcome.result


def answer(raw_headers: dict[str, str], body: bytes, status: int = 200) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.reply(status, body, raw_headers.items())
