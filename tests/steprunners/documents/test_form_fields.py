"""Every schema of this installation has a form, made of kinds that forms know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from pydantic import BaseModel

from steprunners.documents.envelope import StepEnvelope
from steprunners.documents.form_fields import FormField, Kind, form_fields
from steprunners.registry import connection_classes, step_types

MODELS = [runner.config_class for runner in step_types()] + [*connection_classes().values(), StepEnvelope]


def walk(fields: Iterable[FormField]) -> Iterator[FormField]:
    for each in fields:
        yield each
        yield from walk(each.fields)
        for _, inner in each.variants:
            yield from walk(inner)


def field(model: type[BaseModel], name: str) -> FormField:
    return next(each for each in form_fields(model) if each.name == name)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_of_the_schema_is_asked_for(model: type[BaseModel]) -> None:
    fields = form_fields(model)

    assert [each.name for each in fields] == list(model.model_json_schema(by_alias=True)["properties"])
    for each in walk(fields):
        assert each.type_name
        assert bool(each.choices) is (each.kind is Kind.CHOICE)
        assert bool(each.fields) is (each.kind is Kind.GROUP)
        assert bool(each.variants and each.discriminator) is (each.kind is Kind.VARIANTS)


@pytest.mark.parametrize(
    ("connection", "name", "kind"),
    [
        ("http", "baseUrl", Kind.TEXT),
        ("http", "headers", Kind.PAIRS),
        ("http", "verifyTls", Kind.BOOLEAN),
        ("http", "caCertificate", Kind.LONG_TEXT),
        ("http", "auth", Kind.VARIANTS),
        ("kafka", "securityProtocol", Kind.CHOICE),
        ("kafka", "options", Kind.GROUP),
        ("loki", "timeout", Kind.SCALAR),
        ("redis", "port", Kind.INTEGER),
        ("sql", "password", Kind.TEXT),
    ],
)
def test_connections_are_asked_for_in_kind(connection: str, name: str, kind: Kind) -> None:
    assert field(connection_classes()[connection], name).kind is kind


def test_secrets_required_fields_and_defaults_are_known() -> None:
    redis = connection_classes()["redis"]
    assert (field(redis, "password").secret, field(redis, "username").secret) == (True, False)
    assert (field(redis, "host").required, field(redis, "port").required) == (True, False)
    assert field(redis, "port").default == 6379
    assert field(redis, "database").description == "The number of the database."


def test_a_value_says_which_variant_it_is() -> None:
    auth = field(connection_classes()["http"], "auth")

    assert auth.type_name == "one of basic, bearer, oauth2ClientCredentials"
    assert [each.name for each in auth.fields_of({"type": "basic"})] == ["username", "password"]
    assert auth.fields_of({"type": "other"}) == ()
    assert auth.fields_of("••••••") == ()
    assert [each.name for each in field(StepEnvelope, "retry").fields_of({})][:2] == [
        "maxRetries",
        "initialDelayMs",
    ]
