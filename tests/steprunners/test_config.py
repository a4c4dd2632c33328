"""Configs: camelCase on the wire, grammars by place, secret fields by annotation."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from steprunners.config import ConnectionConfig, Secret, StepConfig
from steprunners.references.quoting import Grammar


class Search(StepConfig):
    grammars: ClassVar[dict[str, Grammar]] = {"url": Grammar.URL, "parts.*.query": Grammar.LABEL}
    base_path: str = ""


class Shop(ConnectionConfig):
    host: str
    api_key: Secret
    client_key: Secret | None = None

    def check(self, network: Any, deadline: Any) -> str:
        return self.host


@pytest.mark.parametrize(
    ("path", "grammar"),
    [
        (("url",), Grammar.URL),
        (("parts", 0, "query"), Grammar.LABEL),
        (("parts", "named", "query"), Grammar.LABEL),
        ((), Grammar.PLAIN),
        (("URL",), Grammar.PLAIN),
        (("url", 0), Grammar.PLAIN),
        (("parts", 0), Grammar.PLAIN),
        (("parts", 0, "query", "deeper"), Grammar.PLAIN),
    ],
)
def test_a_grammar_is_found_by_its_place(path: tuple[str | int, ...], grammar: Grammar) -> None:
    assert Search.grammar_of(path, {}) is grammar


def test_a_config_is_camel_case_on_the_wire_and_refuses_what_it_does_not_know() -> None:
    assert Search.model_validate({"basePath": "/a"}) == Search(base_path="/a")
    with pytest.raises(ValidationError, match="basepath"):
        Search.model_validate({"basepath": "/a"})


def test_secret_fields_are_named_as_on_the_wire_optional_ones_too() -> None:
    assert Shop.secret_fields() == {"apiKey", "clientKey"}
