"""The `meta` of an `http` step."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from steprunners.clients.http.authentication import Auth
from steprunners.clients.http.expected_status import ExpectedStatus, check_expected_status
from steprunners.clients.http.request_body import MultipartPart
from steprunners.config import StepConfig
from steprunners.json_types import Json
from steprunners.references.quoting import Grammar


def session_of_jar(cookie_jar: str) -> str:
    """Return the name of the session (`StepContext.session`) in which a cookie jar is kept."""
    return f"http:{cookie_jar}"


def _method(value: Any) -> Any:
    method = value.strip().upper() if isinstance(value, str) else value
    if method == "CONNECT":
        raise ValueError("CONNECT opens a tunnel, which this step cannot use")
    return method


def _as_parts(value: Any) -> Any:
    return (
        [{"name": name, "value": each} for name, each in value.items()] if isinstance(value, dict) else value
    )


class HttpConfig(StepConfig):
    """The request, and the expected answer."""

    grammars: ClassVar = {"url": Grammar.URL, "headers.*": Grammar.HEADER}

    url: str = Field(
        min_length=1, max_length=16_000, description="Absolute, or relative to the resource's baseUrl."
    )
    method: Annotated[str, BeforeValidator(_method)] = Field("GET", pattern=r"^[A-Z][A-Z0-9_-]{0,31}$")
    resource_id: str | None = Field(None, description="An http resource, by id or name.")
    headers: dict[str, Json] = Field(
        default_factory=dict, description="Null removes a header of the resource."
    )
    query: dict[str, Json] = Field(
        default_factory=dict, description="Added to the URL; a list repeats its name, null is left out."
    )
    body: Json = Field(None, description="An object or list is sent as JSON, text unchanged.")
    form: dict[str, Json] | None = Field(None, description="Sent as application/x-www-form-urlencoded.")
    multipart: Annotated[list[MultipartPart], BeforeValidator(_as_parts)] | None = Field(
        None, description="Sent as multipart/form-data: a list of parts, or an object of names and values."
    )
    auth: Auth | None = Field(
        None, description="Instead of the resource's; an Authorization header takes precedence over both."
    )
    follow_redirects: bool = True
    max_redirects: int = Field(10, ge=0, le=50)
    verify_tls: bool = Field(
        True, description="False is refused if the resource verifies and has credentials."
    )
    cookie_jar: str | None = Field(
        None, min_length=1, max_length=100, description="A name; the steps that give it share their cookies."
    )
    expected_status: Annotated[ExpectedStatus, AfterValidator(check_expected_status)] | None = Field(
        None, description="A status, a class such as 2xx, or a list of these."
    )
    expected_response: Json = Field(
        None, description="The body must have this shape (operator matchesShape)."
    )

    @model_validator(mode="after")
    def _one_body(self) -> HttpConfig:
        if sum(each is not None for each in (self.body, self.form, self.multipart)) > 1:
            raise ValueError("a request can have only one of body, form and multipart")
        return self
