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
    """What a runner may know of the execution: its id, start (ms since the epoch) and recorded starts.

    `starts` is what `StepRunner.record_starts` found for the step's resource before the first step ran; what is not
    in there was not known then, and is to be looked up by the time `starts_at_ms`.
    """

    id: str
    started_at_ms: int
    starts: Mapping[str, Json] = field(default_factory=dict)
    starts_at_ms: int = 0


@dataclass
class StepContext(Generic[ConnectionT]):
    """Everything that a runner may use besides its config."""

    deadline: Deadline
    cancellation: Cancellation
    network: NetworkPolicy
    execution: ExecutionFacts
    #: The step's resource; None where `meta` names none.
    connection: ConnectionT | None = None
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

    @property
    def resource(self) -> ConnectionT:
        """The connection of the step's resource; raises BadConfig where `meta` names none."""
        if self.connection is None:
            raise BadConfig("meta.resourceId: the step needs a resource")
        return self.connection


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
class RunChild:
    """Run a flow as a child execution and finish with what it ends with."""

    flow_id: str
    version: int | None = None
    variables: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class TakeBranch:
    """Go on with branch `index`: its flow (`child`), or its inline steps (`StepRunner.inline_steps`).

    -1 is else, None is no branch. The result has the index as `matchedBranch`. `failure` says why the step fails
    where it takes no branch.
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
    """A flow that `meta` names: the id as it stands at `place`, and the version and variables asked for.

    All of them are as the user wrote them: unchecked, maybe references.
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
    #: What a user should know besides the fields: Markdown for the page of the step type.
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
    #: Whether `run` does nothing to the outside, so that after the loss of a worker it may simply be called again.
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
        """Carry the step out once; raise StepError where it could not be carried out."""

    def check(self, connection: ConnectionT, network: NetworkPolicy, deadline: Deadline) -> str:
        """Connect to the resource for real; return in a tester's words what answered.

        Every step type that uses a resource overrides this. Raises StepError with what is wrong: the name is not
        found, nothing listens, TLS, the login, no such database.
        """
        raise NotImplementedError(f"{builtins.type(self).__name__} has no resource to check")

    def expectations(self, config: ConfigT, fields: frozenset[str]) -> list[Assertion]:
        """Return the assertions that the config itself implies; `fields` are those the user asserts on."""
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
        """Return what of the resource must be recorded before the execution's first step runs (a topic), or None.

        `meta` holds only those keys whose references had a value by then.
        """
        return None

    def record_starts(
        self, keys: Sequence[str], connection: ConnectionT, network: NetworkPolicy, deadline: Deadline
    ) -> dict[str, Json]:
        """Return where each of the keys stands now, for `ExecutionFacts.starts`; raises StepError."""
        return {}

    def has_origin(self, meta: Mapping[str, Json]) -> bool:
        """Return whether the step, in the background, counts as started only once `StepContext.origin` is known."""
        return False

    def session_key(self, config: ConfigT) -> str | None:
        """Return the name under which this step shares state with others of the execution."""
        return None


#: A step type whatever its config and connection are.
AnyRunner: TypeAlias = StepRunner[Any, Any]
