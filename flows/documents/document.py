"""The flow document: checked as a whole, with all problems at once, and brought into its canonical form.

The canonical form has camelCase names, step types instead of their aliases, an id for every step, and no defaults;
checking it again changes nothing. The default of a secret variable is only in memory: `to_json` masks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Annotated, Any

from django.conf import settings
from pydantic import AfterValidator, Field

from flows.documents.declarations import read_variables, variable_names
from flows.documents.names import ReferenceCheck, check_names
from flows.documents.parsing import check_tree, parse_body, parse_documents
from flows.documents.step_checks import check_steps, model_problems
from flows.documents.step_links import Surroundings
from flows.documents.steps import Node, check_count, give_ids, inline_steps, put_inline, read_steps, walk
from flows.documents.variables import Variable
from flows.problems import FlowInvalid, Place, Problem, invalid, problem_at
from steprunners.config import Wire
from steprunners.documents.envelope import StepEnvelope, dump
from steprunners.documents.problems import kind_of
from steprunners.json_types import Json
from steprunners.references.resolution import MASK

__all__ = [
    "MASK",
    "FlowDocument",
    "FlowInvalid",
    "Problem",
    "Variable",
    "check_document",
    "parse_body",
    "parse_documents",
]

#: What a flow has on the wire besides its document; ignored, so that what was read can be sent back.
NOT_OF_THE_DOCUMENT = frozenset(
    {"id", "teamId", "version", "createdAt", "updatedAt", "createdBy", "baseVersion", "warnings"}
)


def _plain_text(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _once_each(labels: list[str]) -> list[str]:
    return list(dict.fromkeys(labels))


Text = Annotated[str, AfterValidator(_plain_text)]
Label = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain_text)]


class FlowHead(Wire):
    """What a flow has besides its variables and steps."""

    name: Annotated[Text, Field(max_length=200), AfterValidator(_not_blank)]
    description: Annotated[Text, Field(max_length=10_000)] = ""
    labels: Annotated[list[Label], Field(max_length=50), AfterValidator(_once_each)] = Field(
        default_factory=list
    )


class FlowDocument(FlowHead):
    """A checked flow; inline steps are plain objects inside their condition's meta."""

    variables: list[Variable] = Field(default_factory=list)
    steps: list[StepEnvelope] = Field(default_factory=list)

    def to_json(self) -> dict[str, Json]:
        """Return the canonical document; defaults of secret variables are masked."""
        return {
            "name": self.name,
            "description": self.description,
            "labels": list(self.labels),
            "variables": [_variable_json(each) for each in self.variables],
            "steps": [_step_json(each) for each in self.steps],
        }

    def secret_defaults(self) -> dict[str, Json]:
        """Return the default of each secret variable that has one."""
        return {
            each.name: each.default_value
            for each in self.variables
            if each.secret and each.default_value is not None
        }

    @classmethod
    def from_stored(cls, document: Mapping[str, Any], secrets: Mapping[str, Json] | None) -> FlowDocument:
        """Return the document that `to_json` and `secret_defaults` were stored of."""
        loaded = cls.model_validate(document)
        for variable in loaded.variables:
            if variable.secret:
                variable.default_value = (secrets or {}).get(variable.name)
        return loaded

    def step_ids(self) -> dict[str, str]:
        """Return the id of each step by its name, inline steps too."""
        nodes = read_steps(self.to_json()["steps"], [])
        return {node.name: node.step["id"] for node in walk(nodes) if node.name and "id" in node.step}


def _variable_json(variable: Variable) -> dict[str, Json]:
    shown: dict[str, Json] = variable.model_dump(by_alias=True, exclude_defaults=True, exclude={"type"})
    shown = {"name": variable.name, "type": variable.type.value, **shown}
    if variable.secret and variable.default_value is not None:
        shown["defaultValue"] = MASK
    return shown


def _step_json(step: StepEnvelope) -> dict[str, Json]:
    shown = dump(step)
    if isinstance(extract := shown.get("extract"), dict):
        shown["extract"] = {name: _short(extraction) for name, extraction in extract.items()}
    return shown


def _short(extraction: Json) -> Json:
    return extraction["path"] if isinstance(extraction, dict) and list(extraction) == ["path"] else extraction


# --- checking -------------------------------------------------------------------------------------


def check_document(
    raw: Any,
    *,
    known_names: Set[str] = frozenset(),
    around: Surroundings | None = None,
    previous: FlowDocument | None = None,
    most_steps: int | None = None,
) -> FlowDocument:
    """Return the canonical document; raise FlowInvalid with everything that is wrong with `raw` at once.

    `known_names` may be referred to besides the flow's own (the variables of the team's environments);
    `around` is what the team has that steps may name (None: resources and other flows are not looked at);
    `previous` is the version before: steps keep their ids by name, masked secret defaults their values;
    `most_steps` is how many it may have (None: what the installation allows).
    """
    check_tree(raw)
    if not isinstance(raw, dict):
        raise invalid("dict_type", f"a flow must be an object, not {kind_of(raw)}")
    check_count(raw.get("steps"), most_steps or settings.MAX_STEPS_PER_FLOW)
    problems = _head_problems(raw)
    nodes = read_steps(raw.get("steps"), problems) if "steps" in raw else _no_steps(problems)
    secrets = previous.secret_defaults() if previous else {}
    give_ids(nodes, previous.step_ids() if previous else {}, problems)
    variables = read_variables(raw.get("variables"), secrets, known_names, problems)
    problems += check_names(variable_names(raw.get("variables")), nodes)
    problems += check_steps(nodes, around)
    names = {name for _, name in variable_names(raw.get("variables"))}
    problems += ReferenceCheck(names | known_names, nodes).run()
    if problems:
        raise FlowInvalid(problems)
    head = FlowHead.model_validate(_head_of(raw))
    steps = [StepEnvelope.model_validate(_canonical(node)) for node in nodes]
    return FlowDocument(**dict(head), variables=variables, steps=steps)


def _no_steps(problems: list[Problem]) -> list[Node]:
    problems.append(problem_at(("steps",), "missing", "steps is required"))
    return []


def _head_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is read elsewhere, and `labels:` or `description:` with nothing behind it."""
    elsewhere = NOT_OF_THE_DOCUMENT | {"variables", "steps"}
    empty = {key for key in ("description", "labels") if raw.get(key) is None}
    return {key: value for key, value in raw.items() if key not in elsewhere | empty}


def _head_problems(raw: Mapping[str, Any]) -> list[Problem]:
    return model_problems(_head_of(raw), FlowHead, hinting=FlowDocument)


def _canonical(node: Node) -> dict[str, Any]:
    """Return the node's step with its inline steps in canonical form."""
    if not node.inline:
        return node.step
    by_place: dict[Place, list[Any]] = {each.place: [] for each in inline_steps(node.step)}
    for inner in node.inline:
        place = inner.place[len(node.place) + 1 : -1]
        by_place[place].append(_step_json(StepEnvelope.model_validate(_canonical(inner))))
    return {**node.step, "meta": put_inline(node.meta, by_place)}
