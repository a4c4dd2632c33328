"""What pydantic found, in words for a tester."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from steprunners.config import Wire
from steprunners.documents.validation_errors import problems_of


class Basic(Wire):
    type: Literal["basic"]
    user_name: str = Field(min_length=1)


class Bearer(Wire):
    type: Literal["bearer"]
    token: str


class Model(Wire):
    count: int = Field(1, ge=1, le=9)
    ratio: float = Field(1.0, gt=0, allow_inf_nan=False)
    flag: bool = False
    mode: Literal["FAIL", "WARN"] = "FAIL"
    items: list[int] = Field(default_factory=list, max_length=4)
    either: int | list[str] | None = None
    auth: Annotated[Basic | Bearer, Field(discriminator="type")] | None = None
    open_union: Basic | dict[str, int] | None = None


def problems(document: Any, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(document, strict=True, by_alias=True, by_name=False)
    return [
        (each.place, each.message) for each in problems_of(caught.value, document, Model, ("meta",), **more)
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (5, ("meta", "meta must be an object, not a whole number")),
        ({"count": "5"}, ("meta.count", "count must be a whole number, not text")),
        ({"count": None}, ("meta.count", "count must be a whole number, not null")),
        ({"count": 0}, ("meta.count", "count must be at least 1")),
        ({"count": 10}, ("meta.count", "count must be at most 9")),
        ({"ratio": 0}, ("meta.ratio", "ratio must be more than 0.0")),
        ({"ratio": float("inf")}, ("meta.ratio", "ratio must be a finite number")),
        ({"flag": "yes"}, ("meta.flag", "flag must be true or false, not text")),
        ({"mode": "FIAL"}, ("meta.mode", "mode must be one of FAIL, WARN; did you mean FAIL?")),
        ({"items": [1, "x"]}, ("meta.items.1", "items must be a whole number, not text")),
        ({"items": {}}, ("meta.items", "items must be a list, not an object")),
        ({"items": [1, 2, 3, 4, 5]}, ("meta.items", "items must have at most 4 element(s)")),
        ({"either": "x"}, ("meta.either", "either must be a whole number or a list")),
        ({"auth": {"type": "basic"}}, ("meta.auth.userName", "userName is required")),
        ({"auth": {"type": "basic", "userName": ""}}, ("meta.auth.userName", "userName must not be empty")),
        ({"auth": {}}, ("meta.auth", "auth must have a field 'type'")),
        (
            {"auth": {"type": "digest"}},
            ("meta.auth", "auth must have 'type' set to one of 'basic', 'bearer', not 'digest'"),
        ),
        (
            {"auth": {"type": "bearer", "token": "t", "username": 1}},
            ("meta.auth.username", "there is no field 'username' here; did you mean userName?"),
        ),
        ({"cuont": 1}, ("meta.cuont", "there is no field 'cuont' here; did you mean count?")),
    ],
)
def test_one_problem(document: Any, expected: tuple[str, str]) -> None:
    assert problems(document) == [expected]


def test_values_with_references_are_left_out() -> None:
    document = {
        "count": "${n}",
        "flag": "${flag}",
        "auth": {"type": "${kind}"},
        "openUnion": {"type": "basic", "x": "${y}"},
        "items": ["${a}", "b", "$${c}"],
    }

    assert problems(document) == [
        ("meta.items.1", "items must be a whole number, not text"),
        ("meta.items.2", "items must be a whole number, not text"),
    ]
    assert ("meta.count", "count must be a whole number, not text") in problems(
        document, allows_references=False
    )


def test_hints_can_be_left_out() -> None:
    assert problems({"cuont": 1}, has_hints=False) == [("meta.cuont", "there is no field 'cuont' here")]
