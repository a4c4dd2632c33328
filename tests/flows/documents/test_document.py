"""The document as a whole: canonical form, everything wrong at once, and laws."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.documents.document import MASK, FlowDocument, FlowInvalid, check_document
from flows.documents.parsing import parse_body
from flows.documents.step_links import Surroundings
from flows.yaml.text import write_yaml
from tests.flows.sample_documents import ORDER, choose, flow, get, wait


def problems_of(raw: Any, **more: Any) -> list[tuple[str, str]]:
    """Return place and code of everything that is wrong."""
    with pytest.raises(FlowInvalid) as caught:
        check_document(raw, **more)
    return [(each.place, each.code) for each in caught.value.problems]


def message_of(raw: Any, **more: Any) -> str:
    """Return the words of the one problem."""
    with pytest.raises(FlowInvalid) as caught:
        check_document(raw, **more)
    (problem,) = caught.value.problems
    return problem.message


def order() -> dict[str, Any]:
    return parse_body(ORDER.encode(), "application/yaml")


class TestCanonicalForm:
    def test_it_keeps_what_was_written(self) -> None:
        document = check_document(order()).to_json()

        steps: Any = document["steps"]
        for step in steps:
            assert step.pop("id")
        assert document == order()

    def test_checking_it_again_changes_nothing(self) -> None:
        once = check_document(order())

        again = check_document(once.to_json())

        assert again == once
        assert again.to_json() == once.to_json()

    def test_other_names_become_the_names(self) -> None:
        old = {
            "name": "old",
            "stepType": "IF",
            "meta": {"branches": [{"condition": {"left": 1, "operator": "exists"}, "steps": [wait()]}]},
        }
        http = {
            "name": "http",
            "stepType": "http",
            "meta": {
                "url": "http://x.example",
                "timeout": 5,
                "assertions": [{"field": "status", "operator": "EXISTS"}],
            },
            "continueOnSuccess": True,
        }

        steps: Any = check_document(flow(old, http)).to_json()["steps"]
        condition, request = steps

        assert condition["stepType"] == "condition"
        assert request == {
            "id": request["id"],
            "name": "http",
            "stepType": "http",
            "meta": {"url": "http://x.example"},
            "timeoutMs": 5,
            "continueOnFailure": True,
            "assertions": [{"field": "status", "operator": "exists"}],
        }

    def test_what_was_read_over_rest_can_be_sent_back(self) -> None:
        rest = {"id": "x", "teamId": "y", "version": 3, "createdAt": 1, "updatedAt": 2, "createdBy": None}

        assert check_document({**order(), **rest}).name == "Order is fulfilled"

    def test_both_roads_give_the_same_document(self) -> None:
        document = check_document(order()).to_json()

        by_yaml = parse_body(write_yaml(document).encode(), "application/yaml")
        by_json = parse_body(json.dumps(document).encode(), "application/json")

        assert by_yaml == by_json == document


class TestIds:
    def test_steps_keep_their_ids_by_name(self) -> None:
        before = check_document(flow(wait("a"), choose("c", wait("b"))))
        after = check_document(flow(wait("new"), choose("c", wait("b")), wait("a")), previous=before)

        ids, were = after.step_ids(), before.step_ids()
        assert {name: ids[name] for name in were} == were
        assert ids["new"] not in were.values()

    def test_given_ids_are_kept_and_unique(self) -> None:
        assert check_document(flow(wait(id="mine"))).step_ids() == {"wait": "mine"}
        twice = flow(wait("a", id="x"), choose("c", wait("b", id="x")))
        assert problems_of(twice) == [("steps.1.meta.branches.0.steps.0.id", "duplicate_id")]
        assert problems_of(flow(wait(id="x\x00"))) == [("steps.0.id", "bad_id")]

    def test_a_renamed_step_keeps_its_id(self) -> None:
        before = check_document(flow(wait("a", id="1")))

        after = check_document(flow(wait("b", id="1"), wait("a")), previous=before)

        assert after.step_ids()["b"] == "1"
        assert after.step_ids()["a"] != "1"


class TestSecrets:
    variable = {"name": "key", "secret": True, "defaultValue": "hunter2"}

    def test_they_are_not_in_the_json(self) -> None:
        document = check_document(flow(wait(), variables=[self.variable]))

        assert "hunter2" not in json.dumps(document.to_json())
        assert document.secret_defaults() == {"key": "hunter2"}
        assert FlowDocument.from_stored(document.to_json(), document.secret_defaults()) == document

    def test_the_mask_keeps_the_value(self) -> None:
        before = check_document(flow(wait(), variables=[self.variable]))

        assert check_document(before.to_json(), previous=before) == before

    @pytest.mark.parametrize("secret", [True, False])
    def test_a_mask_without_a_value_is_refused(self, secret: bool) -> None:
        before = check_document(flow(wait(), variables=[self.variable]))
        masked = flow(wait(), variables=[{"name": "key", "secret": secret, "defaultValue": MASK}])

        assert problems_of(masked) == [("variables.0.defaultValue", "masked")]
        if not secret:  # or it would be shown from now on
            assert problems_of(masked, previous=before) == [("variables.0.defaultValue", "masked")]


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            (5, [("", "dict_type")]),
            ({"name": "x"}, [("steps", "missing")]),
            ({"steps": []}, [("name", "missing")]),
            (flow(name=" "), [("name", "value_error")]),
            (flow(name="a\x00"), [("name", "value_error")]),
            (flow(name="a\ud800"), [("name", "not_json")]),
            (flow(label=[]), [("label", "extra_forbidden")]),
            (flow(labels=["a", 5]), [("labels.1", "string_type")]),
            ({"name": "x", "steps": {}}, [("steps", "list_type")]),
            ({"name": "x", "steps": [5]}, [("steps.0", "dict_type")]),
            (flow(variables={}), [("variables", "list_type")]),
            (flow(variables=[5]), [("variables.0", "model_type")]),
            (flow(variables=[{"name": "a", "type": "int"}]), [("variables.0.type", "is_instance_of")]),
            (
                flow(variables=[{"name": "a", "type": "integer", "defaultValue": "5"}]),
                [("variables.0.defaultValue", "wrong_type")],
            ),
            (flow(variables=[{"name": "item"}]), [("variables.0.name", "reserved_name")]),
            (flow(wait("a"), variables=[{"name": "a"}]), [("steps.0.name", "duplicate_name")]),
            (flow(wait("1")), [("steps.0.name", "string_pattern_mismatch")]),
            (flow(wait("steps")), [("steps.0.name", "reserved_name")]),
        ],
    )
    def test_the_document(self, raw: Any, expected: list[tuple[str, str]]) -> None:
        assert problems_of(raw) == expected

    def test_everything_at_once_in_document_order(self) -> None:
        raw = {
            "nam": "x",
            "variables": [{"name": "n", "type": "integer", "defaultValue": "x"}, {"name": "n"}],
            "steps": [*(wait(f"s{n}") for n in range(10)), wait("s1", bogus=1), get("x", url="${nope}")],
        }

        assert problems_of(raw) == [
            ("nam", "extra_forbidden"),
            ("name", "missing"),
            ("variables.0.defaultValue", "wrong_type"),
            ("variables.1.name", "duplicate_name"),
            ("steps.10.bogus", "extra_forbidden"),
            ("steps.10.name", "duplicate_name"),
            ("steps.11.meta.url", "unknown_reference"),
        ]

    def test_hints_name_what_was_meant(self) -> None:
        assert "did you mean labels?" in message_of(flow(wait(), label=[]))
        assert "did you mean delay?" in message_of(flow({"name": "a", "stepType": "dealy", "meta": {}}))
        assert "did you mean timeoutMs?" in message_of(flow(get(timeoutms=5)))

    def test_too_many_steps_count_inline_ones(self) -> None:
        inner = [wait(f"s{number}") for number in range(2_000)]

        assert problems_of(flow(choose("c", *inner))) == [("steps", "too_many_steps")]

    @pytest.mark.parametrize("step_type", ["condition", "IF"])
    def test_inline_steps_count_under_any_name_of_the_type(self, step_type: str) -> None:
        step = {**choose("c", *(wait(f"s{number}") for number in range(2_000))), "stepType": step_type}

        assert problems_of(flow(step)) == [("steps", "too_many_steps")]

    @pytest.mark.parametrize("step_type", ["none", "", None, 5, ["condition"]])
    def test_an_unknown_type_gets_no_steps_past_the_limit(self, step_type: Any) -> None:
        """Inline steps of an unknown type are not counted: the flow is refused, and nothing reads them."""
        step = {**choose("c", *(wait(f"s{number}") for number in range(2_000))), "stepType": step_type}

        assert [place for place, _ in problems_of(flow(step))] == ["steps.0.stepType"]

    def test_a_thousand_problems_are_enough(self) -> None:
        found = problems_of(flow(*(wait("a b", bogus=1) for _ in range(1_000))))

        assert len(found) == 1_001
        assert found[-1] == ("", "too_many_problems")


class TestDefaults:
    def test_they_may_use_functions_and_what_is_above(self) -> None:
        variables = [
            {"name": "a", "defaultValue": "${uuid()}"},
            {"name": "b", "type": "integer", "defaultValue": "${a}"},
            {"name": "c", "defaultValue": "${from_environment}-${upper(b)}"},
        ]

        document = check_document(flow(wait(), variables=variables), known_names={"from_environment"})

        assert [each.default_value for each in document.variables] == [
            each["defaultValue"] for each in variables
        ]

    @pytest.mark.parametrize(
        ("default", "code"),
        [
            ("${b}", "later_reference"),
            ("${a}", "later_reference"),
            ("${nope}", "unknown_reference"),
            ("${steps.wait.status}", "unknown_reference"),
            ("${item}", "unknown_reference"),
            ("${execution.id}", "unknown_reference"),
            ("${", "bad_reference"),
            ("${nofunction()}", "bad_reference"),
        ],
    )
    def test_what_is_wrong(self, default: str, code: str) -> None:
        variables = [{"name": "a", "defaultValue": default}, {"name": "b"}]

        assert problems_of(flow(wait(), variables=variables)) == [("variables.0.defaultValue", code)]


# --- laws -----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["${a}", "${", "http", "delay", "if", MASK]),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4)
    ),
    max_leaves=12,
)
STEP_KEYS = st.sampled_from(
    [
        "id",
        "name",
        "stepType",
        "meta",
        "timeoutMs",
        "when",
        "retry",
        "until",
        "assertions",
        "extract",
        "forEach",
        "alwaysRun",
        "x",
    ]
)
META_KEYS = st.sampled_from(
    ["url", "delayMs", "branches", "elseSteps", "flowId", "resourceId", "timeout", "assertions"]
)
META = st.dictionaries(META_KEYS, JSON, max_size=4)
STEPS = st.lists(
    st.dictionaries(STEP_KEYS, JSON | META | st.sampled_from(["a", "b"]), max_size=7) | JSON, max_size=4
)
BRANCHES = st.fixed_dictionaries(
    {"branches": st.lists(st.fixed_dictionaries({"steps": STEPS}) | JSON, max_size=2)}
)
CONDITIONS = st.fixed_dictionaries({"name": st.just("c"), "stepType": st.just("if"), "meta": BRANCHES})
VARIABLES = st.lists(
    st.dictionaries(st.sampled_from(["name", "type", "defaultValue", "secret", "x"]), JSON, max_size=4)
    | JSON,
    max_size=3,
)
DOCUMENTS = st.fixed_dictionaries(
    {"name": JSON, "steps": STEPS | st.lists(CONDITIONS, max_size=2)},
    optional={"labels": JSON, "variables": VARIABLES, "other": JSON},
)


@given(DOCUMENTS | JSON)
def test_no_document_raises_anything_else(raw: Any) -> None:
    try:
        document = check_document(raw, around=Surroundings({}))
    except FlowInvalid:
        return
    assert check_document(document.to_json(), around=Surroundings({}), previous=document) == document


@pytest.mark.parametrize(
    ("place", "document"),
    [
        ("labels", flow(labels="${a}")),
        ("variables.0", flow(variables=["${a}"])),
        ("variables.0.type", flow(variables=[{"name": "v", "type": "${a}"}])),
        ("variables.0.secret", flow(variables=[{"name": "v", "secret": "${a}"}])),
        ("steps.0.name", flow({**wait("a"), "name": "${a}"})),
        ("steps.0.meta", flow({**wait("a"), "meta": "${a}"})),
        ("steps.0.disabled", flow({**wait("a"), "disabled": "${a}"})),
        ("steps.0.retry.maxRetries", flow({**wait("a"), "retry": {"maxRetries": "${a}"}})),
        ("steps.0.extract", flow({**wait("a"), "extract": "${a}"})),
    ],
)
def test_outside_meta_a_reference_takes_no_other_types_place(place: str, document: dict[str, Any]) -> None:
    assert place in [at for at, _ in problems_of(document, known_names={"a"})]
