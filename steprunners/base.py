"""What a step type is made of: its config, its connection, what it may use, what it returns, how it fails.

A step type is one file in `steprunners/kinds/` with one subclass of `StepRunner`. Everything else
(validation, JSON Schema, forms, documentation, masking, contract tests) is derived from that class.
"""

from __future__ import annotations

import builtins
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from steprunners.json_types import Json
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.references.resolution import Grammar

if TYPE_CHECKING:
    from steprunners.assertions.judging import Assertion
    from steprunners.network import NetworkPolicy


class Wire(BaseModel):
    """A model that is camelCase on the wire, snake_case in Python, and refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class StepConfig(Wire):
    """The `meta` of a step.

    `grammars` names the fields whose text has a grammar of its own, so that substituted values are
    quoted for it; keys are dotted wire paths in which `*` stands for any key or index. `unresolved`
    names the top-level wire keys whose references are left as they stand: conditions, in which a
    reference without a value counts as missing, and inline steps, which are steps of their own.
    """

    grammars: ClassVar[Mapping[str, Grammar]] = {}
    unresolved: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def grammar_of(cls, path: tuple[str | int, ...], meta: Json) -> Grammar:
        """Return the grammar of the text at `path` inside `meta` (the whole, unresolved meta)."""
        for pattern, grammar in cls.grammars.items():
            if _is_at(pattern, path):
                return grammar
        return Grammar.PLAIN


def _is_at(pattern: str, path: tuple[str | int, ...]) -> bool:
    parts = pattern.split(".")
    return len(parts) == len(path) and all(
        part in ("*", str(key)) for part, key in zip(parts, path, strict=True)
    )


class StepResult(Wire):
    """What every step's result has, besides what its type adds."""

    duration_ms: int = Field(0, ge=0, description="How long the attempt took.")


#: A connection's field that is encrypted at rest and never shown again.
Secret = Annotated[str, Field(json_schema_extra={"writeOnly": True, "format": "password"})]


class ConnectionConfig(Wire):
    """The `config` of a resource; fields annotated `Secret` are its secrets."""

    @classmethod
    def secret_fields(cls) -> frozenset[str]:
        """Return the wire names of the top-level fields whose values are secret."""
        properties = cls.model_json_schema(by_alias=True)["properties"]
        return frozenset(name for name, schema in properties.items() if _is_secret(schema))

    @classmethod
    def secret_entries(cls) -> frozenset[str]:
        """Return the wire names of the fields that are objects, whose entries are secret where their names tell so."""
        properties = cls.model_json_schema(by_alias=True)["properties"]
        return frozenset(name for name, schema in properties.items() if schema.get("secretEntries"))

    @abstractmethod
    def check(self, network: NetworkPolicy, deadline: Deadline) -> str:
        """Connect for real, and return what was found, in a tester's words.

        Raises StepError with what is wrong: the name is not found, nothing listens, TLS, login, no such database.
        """


def _is_secret(schema: Mapping[str, Any]) -> bool:
    branches = [schema, *schema.get("anyOf", [])]
    return any(branch.get("writeOnly") for branch in branches)


# --- errors ---------------------------------------------------------------------------------------


class StepError(Exception):
    """The step could not be carried out: it ends in ERROR with `code` and `message`.

    Subclasses name the codes; a kind may raise `StepError` itself with a code of its own.

    - ConnectionFailed `connection_failed`: name not found, refused, reset, TLS
    - DeadlineExceeded `deadline_exceeded`: `timeoutMs` is over
    - Refused `refused`: the server understood and said no (login, query, ACL)
    - AddressRefused `address_refused`: the network guard said no
    - BadConfig `bad_config`: `meta` is not valid once its references are resolved
    - BadReference `bad_reference`: a reference has no value
    - Cancelled `cancelled`: the execution was cancelled while the call ran
    - Interrupted `interrupted`: the worker was lost, so whether the call happened is unknown
    """

    code = "error"

    def __init__(
        self, message: str, *, code: str | None = None, result: dict[str, Json] | None = None
    ) -> None:
        """Keep the message for the tester, and what is known of the result so far."""
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.result = result


class ConnectionFailed(StepError):
    """No connection, or it was lost."""

    code = "connection_failed"


class DeadlineExceeded(StepError):
    """The attempt's total deadline is over."""

    code = "deadline_exceeded"


class Refused(StepError):
    """The server understood the request and refused it."""

    code = "refused"


class AddressRefused(StepError):
    """The network guard does not allow this address."""

    code = "address_refused"


class BadConfig(StepError):
    """`meta` is not valid once its references are resolved."""

    code = "bad_config"


class BadReference(StepError):
    """A reference has no value, or its value cannot stand where it was put."""

    code = "bad_reference"


class Cancelled(StepError):
    """The execution was cancelled while the call ran."""

    code = "cancelled"


class Interrupted(StepError):
    """The worker was lost; whether the call happened is unknown."""

    code = "interrupted"


# --- what a runner may use ------------------------------------------------------------------------


class Deadline:
    """A point on the monotonic clock; `remaining()` is in seconds and never negative."""

    def __init__(self, seconds: float) -> None:
        """Set the deadline `seconds` from now."""
        self.at = time.monotonic() + seconds
        self.seconds = seconds

    def remaining(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self.at - time.monotonic())

    def check(self) -> None:
        """Raise DeadlineExceeded where no time is left."""
        if self.remaining() <= 0:
            raise DeadlineExceeded(f"not finished within {round(self.seconds * 1000)} ms")


class Cancellation:
    """Ends a running call from another thread: callbacks close its sockets."""

    def __init__(self) -> None:
        """Start uncancelled."""
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Mark as cancelled and run the callbacks of the calls that are open."""
        with self._lock:
            self._event.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            with suppress(Exception):  # of a socket that is closed already; the others are still to be closed
                callback()

    def check(self) -> None:
        """Raise Cancelled where `cancel` was called."""
        if self.is_cancelled:
            raise Cancelled("cancelled while it ran")

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; return True as soon as `cancel` is called."""
        return self._event.wait(seconds)

    @contextmanager
    def closing(self, close: Callable[[], None]) -> Iterator[None]:
        """Run `close` when `cancel` is called inside the block (at once where it already was)."""
        with self._lock:
            self._callbacks.append(close)
            already = self._event.is_set()
        if already:
            close()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(close)


@dataclass(frozen=True)
class ExecutionFacts:
    """What a runner may know of the execution: its id, start (ms since the epoch) and recorded starts.

    `starts` is what `StepRunner.record_starts` found for the step's resource before the first step ran; what is not
    in there was not known then, and is to be looked up by the time `starts_at_ms`.
    """

    id: str
    started_at_ms: int
    starts: Mapping[str, Json] = field(default_factory=dict)
    starts_at_ms: int = 0


ConnectionT = TypeVar("ConnectionT", bound=ConnectionConfig)


@dataclass
class StepContext:
    """Everything that a runner may use besides its config."""

    deadline: Deadline
    cancellation: Cancellation
    network: NetworkPolicy
    execution: ExecutionFacts
    connection: ConnectionConfig | None = None
    #: What the last `Park` of this attempt left; None on the attempt's first call.
    state: Json = None
    #: What all attempts of the step share, set by the first that knows it: where a topic is read from.
    origin: Json = None
    #: What the step named by `StepRunner.session_key` left earlier in this execution (cookies).
    session: Json = None
    #: Evaluates a condition (contract, section 5) against the execution's scope; raises StepError.
    evaluate: Callable[[Json], bool] | None = None
    #: Headers that name this step in traces: sent along with what it calls, unless the flow gives its own.
    trace_headers: Mapping[str, str] = field(default_factory=dict)
    #: Every secret text of the execution; a runner adds those that it comes to know (access tokens).
    known_secrets: KnownSecrets = field(default_factory=KnownSecrets)


# --- what a runner returns ------------------------------------------------------------------------


@dataclass(frozen=True)
class Finished:
    """The call was carried out; `session` is kept for later steps with the same session key."""

    result: dict[str, Json]
    session: Json = None


class Watch(ABC):
    """Looks from afar whether parked steps have news; lives in the memory of the process that parked them.

    It only saves visits: a step that nobody watches (its process ended) is visited when its time is over.
    """

    #: How long the step may be left alone while it is watched, in ms.
    patience_ms: int

    @property
    @abstractmethod
    def source(self) -> Hashable:
        """What is looked at; watches of one class and source are looked at together."""

    @classmethod
    @abstractmethod
    def look(cls, watches: Sequence[Any]) -> list[Any]:
        """Return those of the watches, all of one source, that have news; raises StepError where none can be had."""


@dataclass(frozen=True)
class Park:
    """Not finished: come back in `delay_ms` with `state`; where `watch` is looked at, when it has news."""

    delay_ms: int
    state: Json
    watch: Watch | None = None


@dataclass(frozen=True)
class TakeBranch:
    """Go on with the steps (or flow) of branch `index`; -1 is else, None is no branch."""

    index: int | None


@dataclass(frozen=True)
class RunChild:
    """Run a flow as a child execution and finish with what it ends with."""

    flow_id: str
    version: int | None = None
    variables: Mapping[str, Json] = field(default_factory=dict)


Outcome = Finished | Park | TakeBranch | RunChild

ConfigT = TypeVar("ConfigT", bound=StepConfig)


class StepRunner(ABC, Generic[ConfigT]):
    """One step type. Instances are stateless and shared by threads."""

    type: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    label: ClassVar[str]
    description: ClassVar[str]
    #: What a user should know besides the fields: Markdown for the page of the step type.
    notes: ClassVar[str] = ""
    config_class: ClassVar[builtins.type[StepConfig]]
    result_class: ClassVar[builtins.type[BaseModel]]
    #: The type of resource that `resourceId` names, or None where the step uses none.
    resource_type: ClassVar[str | None] = None
    connection_class: ClassVar[builtins.type[ConnectionConfig] | None] = None
    #: A step envelope that validates, and runs for real against the servers of the tests.
    example: ClassVar[dict[str, Any]]
    #: False for steps that only wait or branch: they have no `timeoutMs`.
    has_deadline: ClassVar[bool] = True
    #: Whether `run` does nothing to the outside, so that after the loss of a worker it may simply be called again.
    repeatable: ClassVar[bool] = False

    @abstractmethod
    def run(self, config: ConfigT, context: StepContext) -> Outcome:
        """Carry the step out once; raise StepError where it could not be carried out."""

    def expectations(self, config: ConfigT, fields: frozenset[str]) -> list[Assertion]:
        """Return the assertions that the config itself implies; `fields` are those the user asserts on."""
        return []

    def start_key(self, meta: Mapping[str, Json]) -> str | None:
        """Return what of the resource must be recorded before the execution's first step runs (a topic), or None.

        `meta` holds only those keys whose references had a value by then.
        """
        return None

    def record_starts(
        self, keys: Sequence[str], connection: ConnectionConfig, network: NetworkPolicy, deadline: Deadline
    ) -> dict[str, Json]:
        """Return where each of the keys stands now, for `ExecutionFacts.starts`; raises StepError."""
        return {}

    def has_origin(self, meta: Mapping[str, Json]) -> bool:
        """Return whether the step, in the background, counts as started only once `StepContext.origin` is known."""
        return False

    def session_key(self, config: ConfigT) -> str | None:
        """Return the name under which this step shares state with others of the execution."""
        return None
