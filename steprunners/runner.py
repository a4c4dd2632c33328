"""The class behind every step type, what it may use (StepContext) and what it may return (Outcome).

A step type is one file in `steprunners/kinds/` with one subclass of `StepRunner`. Validation, JSON Schema, forms,
documentation, masking and contract tests all follow from that class.
"""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar, get_args, get_origin

from pydantic import BaseModel

from steprunners.config import ConnectionConfig, StepConfig
from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.masking.known_secrets import KnownSecrets

if TYPE_CHECKING:
    from steprunners.assertions.evaluation import Assertion
    from steprunners.network import NetworkPolicy


ConfigT = TypeVar("ConfigT", bound=StepConfig)
#: None for step types that use no resource.
ConnectionT = TypeVar("ConnectionT", bound=ConnectionConfig | None)


@dataclass(frozen=True)
class ExecutionFacts:
    """What a runner may know of the execution: its id, its start (ms since the epoch) and the recorded starts.

    `starts` is what `StepRunner.record_starts` returned for the step's resource before the first step ran. A key that
    is missing was not known then; the runner finds its start by the time `starts_at_ms`.
    """

    id: str
    started_at_ms: int
    starts: Mapping[str, Json] = field(default_factory=dict)
    starts_at_ms: int = 0


@dataclass
class StepContext(Generic[ConnectionT]):
    """Everything that a runner may use in addition to its config."""

    deadline: Deadline
    cancellation: Cancellation
    network: NetworkPolicy
    execution: ExecutionFacts
    #: The step's resource; None where `meta` names none.
    connection: ConnectionT | None = None
    #: The state of the last `Park` of this attempt; None on the first call of the attempt.
    state: Json = None
    #: What all attempts of the step share, such as where a topic is read from. The first attempt that knows it sets it.
    origin: Json = None
    #: What earlier calls with the same `StepRunner.session_key` left: entries by name, such as cookies.
    session: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    #: The runner puts here the entries that it changes (see `values.sessions`). They count even if it raises.
    session_changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Evaluates a condition (contract, section 5) against the execution's scope; raises StepError.
    evaluate: Callable[[Json], bool] | None = None
    #: Headers that name this step in traces. They are sent with each call, unless the flow gives its own.
    trace_headers: Mapping[str, str] = field(default_factory=dict)
    #: Every secret text of the execution; a runner adds those that it learns (access tokens).
    known_secrets: KnownSecrets = field(default_factory=KnownSecrets)

    @property
    def resource(self) -> ConnectionT:
        """The connection of the step's resource; raises BadConfig where `meta` names none."""
        if self.connection is None:
            raise BadConfig("meta.resourceId: the step needs a resource")
        return self.connection


@dataclass(frozen=True)
class Finished:
    """The call was carried out."""

    result: dict[str, Json]


class Watch(ABC):
    """Tells whether parked steps have news, without running them; lives in the process that parked them.

    A watch only saves calls of `run`. A step without one (its process ended) is run again when its delay is over.
    """

    #: How long the step may be left alone while it is watched, in ms.
    patience_ms: int

    @property
    @abstractmethod
    def source(self) -> Hashable:
        """What is watched; watches of one class and source are looked at together."""

    @classmethod
    @abstractmethod
    def look(cls, watches: Sequence[Any]) -> list[Any]:
        """Return the watches, all of one source, that have news; raise StepError where the source cannot be asked."""


@dataclass(frozen=True)
class Park:
    """Not finished: call `run` again with `state` in `delay_ms`, or as soon as `watch` has news."""

    delay_ms: int
    state: Json
    watch: Watch | None = None


@dataclass(frozen=True)
class RunChild:
    """Run a flow as a child execution; the step ends as the child does."""

    flow_id: str
    version: int | None = None
    variables: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class TakeBranch:
    """Continue with branch `index`: with its flow (`child`), or its inline steps (`StepRunner.inline_steps`).

    -1 is the else branch, None is no branch. The index is `matchedBranch` in the result. `failure` says why a step
    that takes no branch fails.
    """

    index: int | None
    child: RunChild | None = None
    failure: str | None = None


Outcome = Finished | Park | TakeBranch | RunChild


#: A place inside `meta`: keys and indices.
Place: TypeAlias = tuple[str | int, ...]


class InlineSteps(NamedTuple):
    """A list of steps inside another step's `meta`: where it is, and the branch (`TakeBranch.index`) that runs it."""

    place: Place
    branch: int
    steps: list[Any]


class FlowId(NamedTuple):
    """A flow that `meta` names: the id at `place`, and the version and variables that it asks for.

    All of them are as the user wrote them: not checked, and maybe references.
    """

    place: Place
    value: Any
    version: Any = None
    variables: Any = None


class StepRunner(ABC, Generic[ConfigT, ConnectionT]):
    """One step type. Instances are stateless and shared by threads.

    A subclass names its config and connection once, as type arguments: `StepRunner[SqlConfig, SqlConnection]`, or
    `StepRunner[DelayConfig, None]` where it uses no resource.
    """

    type: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    label: ClassVar[str]
    description: ClassVar[str]
    #: What a user should know in addition to the fields: Markdown for the page of the step type.
    notes: ClassVar[str] = ""
    #: Set from the type arguments.
    config_class: ClassVar[builtins.type[StepConfig]]
    result_class: ClassVar[builtins.type[BaseModel]]
    #: The type of resource that `resourceId` names, or None where the step uses none.
    resource_type: ClassVar[str | None] = None
    #: Set from the type arguments; None where the step type uses no resource.
    connection_class: ClassVar[builtins.type[ConnectionConfig] | None] = None
    #: A step envelope that validates, and runs for real against the servers of the tests.
    example: ClassVar[dict[str, Any]]
    #: Keys of `meta` that are another place for a field of the step, and the name of that field.
    envelope_keys: ClassVar[Mapping[str, str]] = {}
    #: False for steps that only wait or branch: they have no `timeoutMs`.
    has_deadline: ClassVar[bool] = True
    #: Whether `run` has no effect on other systems, so that it may be called again after a worker was lost.
    repeatable: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        """Read the config and connection classes from the type arguments of `StepRunner[…]`."""
        super().__init_subclass__(**options)
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is StepRunner:
                config, connection = get_args(base)
                cls.config_class = config
                cls.connection_class = None if connection is type(None) else connection

    @abstractmethod
    def run(self, config: ConfigT, context: StepContext[ConnectionT]) -> Outcome:
        """Run the step once; raise StepError where that is not possible."""

    def check(self, connection: ConnectionT, network: NetworkPolicy, deadline: Deadline) -> str:
        """Connect to the resource for real; return what answered, in words for a tester.

        Every step type that uses a resource overrides this. Raises StepError with what is wrong: the name is not
        found, nothing listens, TLS, the login, or the database.
        """
        raise NotImplementedError(f"{builtins.type(self).__name__} has no resource to check")

    def shown_request(self, request: dict[str, Json], connection: ConnectionT | None) -> dict[str, Json]:
        """Return the resolved and masked meta as it is stored and shown: what is sent, where that is not as written."""
        return request

    def expectations(self, config: ConfigT, fields: frozenset[str]) -> list[Assertion]:
        """Return the assertions that the config implies; `fields` are the fields that the user asserts on."""
        return []

    def inline_steps(self, meta: Mapping[str, Any]) -> Sequence[InlineSteps]:
        """Return the lists of steps that `meta` holds, in the order of the document.

        `meta` may be unchecked. A step type with inline steps names their top-level keys in `StepConfig.unresolved`.
        """
        return ()

    def flow_ids(self, meta: Mapping[str, Any]) -> Sequence[FlowId]:
        """Return the flows that `meta` names, not those of its inline steps. `meta` may be unchecked."""
        return ()

    def conditions(self, meta: Mapping[str, Any]) -> Sequence[tuple[Place, Any]]:
        """Return the conditions in `meta` (contract, section 5) with their places. `meta` may be unchecked."""
        return ()

    def start_key(self, meta: Mapping[str, Json]) -> str | None:
        """Return what `record_starts` must record before the first step of the execution runs (a topic), or None.

        `meta` holds only those keys whose references had a value by then.
        """
        return None

    def record_starts(
        self, keys: Sequence[str], connection: ConnectionT, network: NetworkPolicy, deadline: Deadline
    ) -> dict[str, Json]:
        """Return the present position of each key, for `ExecutionFacts.starts`. Raises StepError."""
        return {}

    def has_origin(self, meta: Mapping[str, Json]) -> bool:
        """Return whether a background step counts as started only when `StepContext.origin` is known."""
        return False

    def session_key(self, config: ConfigT) -> str | None:
        """Return the name under which this step shares state with others of the execution."""
        return None


#: A step type whatever its config and connection are.
AnyRunner: TypeAlias = StepRunner[Any, Any]
