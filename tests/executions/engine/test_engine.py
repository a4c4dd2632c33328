"""Flows run to their end by a real worker against a real HTTP server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from executions.models import ExecutionStep, StepAttempt
from tests.executions.engine.conftest import Run
from tests.executions.engine.target import Target

RunFlow = Callable[..., Run]


def test_twenty_steps_each_pass_a_value_on(run: RunFlow) -> None:
    steps = ["- {name: s0, stepType: http, meta: {url: '${base_url}/echo?n=1'}, extract: {n0: body.query.n}}"]
    steps += [
        f"- {{name: s{i}, stepType: http, meta: {{url: '${{base_url}}/echo?n=${{add(${{n{i - 1}}},1)}}'}},"
        f" extract: {{n{i}: body.query.n}}}}"
        for i in range(1, 25)
    ]
    done = run("steps:\n" + "\n".join(steps))
    assert done.status == "COMPLETED", done.execution.error
    assert done["s24"].extracted == {"n24": "25"}
    assert [step.attempts for step in done.steps.values()] == [1] * 25


def test_a_failed_assertion_skips_the_rest(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - {name: one, stepType: http, meta: {url: '${base_url}/echo'}}
          - name: two
            stepType: http
            meta: {url: '${base_url}/echo'}
            assertions: [{field: body.path, operator: equals, expectedValue: /other}]
          - {name: three, stepType: http, meta: {url: '${base_url}/echo'}}
          - {name: clean, stepType: http, meta: {url: '${base_url}/echo?of=${one.status}'}, alwaysRun: true}
          - {name: clean_never_ran, stepType: http, meta: {url: '${base_url}/echo?of=${three.status}'}, alwaysRun: true}
        """
    )
    assert done.status == "FAILED"
    assert done.statuses == {
        "one": "SUCCESS", "two": "FAILED", "three": "SKIPPED", "clean": "SUCCESS", "clean_never_ran": "SKIPPED",
    }  # fmt: skip
    failed = [outcome for outcome in done["two"].assertions if not outcome["passed"]]
    assert failed[0]["actualValue"] == "/echo"
    assert done.execution.error["step"] == "two"


def test_an_error_says_why(run: RunFlow) -> None:
    done = run("steps: [{name: one, stepType: http, meta: {url: 'http://127.0.0.1:9/'}}]")
    assert done.statuses == {"one": "ERROR"}
    assert done["one"].error["code"] == "connection_failed"
    assert done.execution.failed


def test_a_retry_succeeds_and_keeps_all_attempts(run: RunFlow, target: Target) -> None:
    done = run(
        """
        steps:
          - name: flaky
            stepType: http
            meta: {url: '${base_url}/fail?times=2&key=flaky'}
            retry: {maxRetries: 5, initialDelayMs: 200, backoffMultiplier: 2}
        """
    )
    assert done.statuses == {"flaky": "SUCCESS"}
    attempts = list(done["flaky"].attempt_history.all())
    assert [(each.number, each.status) for each in attempts] == [(1, "FAILED"), (2, "FAILED"), (3, "SUCCESS")]
    assert [each.waited_ms for each in attempts] == [0, 200, 400]
    assert done["flaky"].attempts == 3
    assert target.calls["flaky"] == 3


def test_retry_gives_up_after_the_last_one(run: RunFlow, target: Target) -> None:
    done = run(
        """
        steps:
          - name: flaky
            stepType: http
            meta: {url: '${base_url}/fail?times=20&key=never'}
            retry: {maxRetries: 2, initialDelayMs: 10}
        """
    )
    assert done.statuses == {"flaky": "FAILED"}
    assert target.calls["never"] == 3


def test_until_polls_until_the_assertions_hold(run: RunFlow, target: Target) -> None:
    done = run(
        """
        steps:
          - name: poll
            stepType: http
            meta: {url: '${base_url}/echo?key=poll'}
            until: {timeoutMs: 20000, intervalMs: 100}
            assertions: [{field: body.number, operator: gte, expectedValue: 4}]
        """
    )
    assert done.statuses == {"poll": "SUCCESS"}
    assert target.calls["poll"] == 4


def test_until_ends_at_once_when_fail_if_holds(run: RunFlow, target: Target) -> None:
    done = run(
        """
        steps:
          - name: poll
            stepType: http
            meta: {url: '${base_url}/echo?key=doomed'}
            until:
              timeoutMs: 30000
              intervalMs: 50
              failIf: [{field: body.number, operator: equals, expectedValue: 2}]
            assertions: [{field: body.number, operator: gte, expectedValue: 100}]
        """
    )
    assert done.statuses == {"poll": "FAILED"}
    assert target.calls["doomed"] == 2


def test_until_is_over_in_time(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - name: poll
            stepType: http
            meta: {url: '${base_url}/echo'}
            until: {timeoutMs: 300, intervalMs: 100}
            assertions: [{field: body.path, operator: equals, expectedValue: never}]
        """
    )
    assert done.statuses == {"poll": "FAILED"}
    assert done["poll"].attempts >= 2


def test_continue_on_failure_goes_on_and_still_fails(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - {name: bad, stepType: http, meta: {url: '${base_url}/status?code=500'}, continueOnFailure: true}
          - {name: next, stepType: http, meta: {url: '${base_url}/echo'}}
        """
    )
    assert done.statuses == {"bad": "FAILED", "next": "SUCCESS"}
    assert done.status == "FAILED"


def test_background_runs_beside_and_is_joined(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - {name: slow, stepType: http, meta: {url: '${base_url}/slow?ms=600'}, runInBackground: true}
          - {name: quick, stepType: http, meta: {url: '${base_url}/echo'}}
          - {name: uses, stepType: http, meta: {url: '${base_url}/echo?s=${slow.status}'}}
          - {name: clean, stepType: http, meta: {url: '${base_url}/echo'}, alwaysRun: true}
        """
    )
    assert done.status == "COMPLETED", done.execution.error
    ended = {name: step.completed_at or pytest.fail(name) for name, step in done.steps.items()}
    assert ended["quick"] < ended["slow"] <= ended["uses"]
    assert done["uses"].response["body"]["query"] == {"s": "200"}


def test_a_background_failure_does_not_stop_the_foreground(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - {name: bad, stepType: http, meta: {url: '${base_url}/status?code=500&ms=200'}, runInBackground: true}
          - {name: next, stepType: http, meta: {url: '${base_url}/echo'}}
        """
    )
    assert done.statuses == {"bad": "FAILED", "next": "SUCCESS"}
    assert done.status == "FAILED"


def test_only_background_steps(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - {name: one, stepType: http, meta: {url: '${base_url}/echo'}, runInBackground: true}
          - {name: two, stepType: delay, meta: {delayMs: 50}, runInBackground: true}
        """
    )
    assert done.status == "COMPLETED", done.execution.error


def test_when_and_disabled_skip(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - {name: dark, stepType: http, meta: {url: '${base_url}/echo'}, disabled: true}
          - name: not_wanted
            stepType: http
            meta: {url: '${base_url}/echo'}
            when: {left: '${steps.dark.status}', operator: equals, right: SUCCESS}
          - {name: last, stepType: http, meta: {url: '${base_url}/echo'}}
        """
    )
    assert done.statuses == {"dark": "SKIPPED", "not_wanted": "SKIPPED", "last": "SUCCESS"}
    assert done.status == "COMPLETED", done.execution.error


def test_for_each_runs_an_item_after_the_other(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - name: each
            stepType: http
            forEach: [a, b, c]
            meta: {url: '${base_url}/echo?item=${item}&index=${index}'}
            assertions: [{field: status, operator: equals, expectedValue: 200}]
            extract: {last: body.query.item}
        """
    )
    step = done["each"]
    assert step.response["count"] == 3
    assert [item["body"]["query"] for item in step.response["items"]] == [
        {"item": "a", "index": "0"}, {"item": "b", "index": "1"}, {"item": "c", "index": "2"},
    ]  # fmt: skip
    assert step.extracted == {"last": "c"}
    assert step.attempts == 3


def test_for_each_stops_at_the_first_failure_after_its_retries(run: RunFlow, target: Target) -> None:
    done = run(
        """
        steps:
          - name: each
            stepType: http
            forEach: [200, 500, 200]
            meta: {url: '${base_url}/status?code=${item}&key=item${index}'}
            retry: {maxRetries: 1, initialDelayMs: 50}
        """
    )
    assert done.statuses == {"each": "FAILED"}
    assert done["each"].response["count"] == 2
    assert (target.calls["item0"], target.calls["item1"], target.calls["item2"]) == (1, 2, 0)


def test_delay_waits(run: RunFlow) -> None:
    done = run("steps: [{name: wait, stepType: delay, meta: {delayMs: 300}}]")
    assert done.status == "COMPLETED", done.execution.error
    assert (done["wait"].duration_ms or 0) >= 300


CONDITION = """
steps:
  - name: choose
    stepType: condition
    meta:
      branches:
        - condition: {left: '${x}', operator: equals, right: 1}
          steps:
            - {name: one_a, stepType: http, meta: {url: '${base_url}/status?code=${code}'}}
            - {name: one_b, stepType: http, meta: {url: '${base_url}/echo'}}
      elseSteps:
        - {name: other, stepType: http, meta: {url: '${base_url}/echo'}}
  - {name: after, stepType: http, meta: {url: '${base_url}/echo?b=${choose.matchedBranch}'}}
variables: [{name: x, type: integer}, {name: code, type: integer, defaultValue: 200}]
"""


def test_condition_takes_its_branch(run: RunFlow) -> None:
    done = run(CONDITION, x=1)
    assert done.statuses == {
        "choose": "SUCCESS", "one_a": "SUCCESS", "one_b": "SUCCESS", "other": "SKIPPED", "after": "SUCCESS",
    }  # fmt: skip
    assert done["after"].response["body"]["query"] == {"b": "0"}


def test_condition_takes_else(run: RunFlow) -> None:
    done = run(CONDITION, x=2)
    assert done.statuses == {
        "choose": "SUCCESS", "one_a": "SKIPPED", "one_b": "SKIPPED", "other": "SUCCESS", "after": "SUCCESS",
    }  # fmt: skip
    assert done["choose"].response["matchedBranch"] == -1


def test_condition_fails_with_its_branch(run: RunFlow) -> None:
    done = run(CONDITION, x=1, code=500)
    assert done.statuses == {
        "choose": "FAILED", "one_a": "FAILED", "one_b": "SKIPPED", "other": "SKIPPED", "after": "SKIPPED",
    }  # fmt: skip
    assert done.status == "FAILED"


def test_condition_without_a_match(run: RunFlow) -> None:
    text = """
    steps:
      - name: choose
        stepType: condition
        meta:
          terminateOnNoMatch: {terminate}
          branches:
            - condition: {{left: 1, operator: equals, right: 2}}
              steps: [{{name: inner, stepType: delay, meta: {{delayMs: 1}}}}]
    """
    assert run(text.format(terminate="false")).statuses == {"choose": "SUCCESS", "inner": "SKIPPED"}
    assert run(text.format(terminate="true")).statuses == {"choose": "FAILED", "inner": "SKIPPED"}


def test_a_bad_reference_is_an_error_that_names_it(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - {name: one, stepType: http, meta: {url: '${base_url}/echo'}}
          - {name: two, stepType: http, meta: {url: '${base_url}/echo?x=${one.body.nothing}'}}
        """
    )
    assert done.statuses == {"one": "SUCCESS", "two": "ERROR"}
    assert done["two"].error["code"] == "bad_reference"
    assert "${one.body.nothing}" in done["two"].error["message"]


def test_secrets_are_masked_and_still_usable(run: RunFlow) -> None:
    done = run(
        """
        variables: [{name: key, type: string, secret: true}]
        steps:
          - {name: one, stepType: http, meta: {url: '${base_url}/echo?k=${key}'}, extract: {again: body.query.k}}
          - {name: two, stepType: http, meta: {url: '${base_url}/echo?k=${one.body.query.k}&a=${again}'}}
        """,
        key="s3cr3t-value",
    )
    assert done.status == "COMPLETED", done.execution.error
    for step in done.steps.values():
        assert "s3cr3t-value" not in str([step.request, step.response, step.extracted, step.assertions])
    assert done["one"].response["body"]["query"] == {"k": "••••••"}
    assert done["one"].whole_response["body"]["query"] == {"k": "s3cr3t-value"}
    assert done["two"].whole_response["body"]["query"] == {"k": "s3cr3t-value", "a": "s3cr3t-value"}
    assert (done.execution.secrets or {})["variables"] == {"key": "s3cr3t-value"}


def test_a_secret_extract_is_masked_in_its_result(run: RunFlow) -> None:
    """Also in the attempts that did not end the step, and in one that failed after it had brought the secret."""
    done = run(
        """
        steps:
          - name: login
            stepType: http
            meta: {url: '${base_url}/echo?t=fresh-t0ken'}
            extract: {token: {path: body.query.t, secret: true}}
            assertions: [{field: body.query.t, operator: equals, expectedValue: another}]
            retry: {maxRetries: 1, initialDelayMs: 10}
            continueOnFailure: true
          - {name: use, stepType: http, meta: {url: '${base_url}/echo?t=${token}'}}
        """
    )
    assert done.statuses == {"login": "FAILED", "use": "SUCCESS"}
    attempts = list(StepAttempt.objects.filter(step__execution=done.execution))
    assert len(attempts) == 3
    rows: list[ExecutionStep | StepAttempt] = [*done.steps.values(), *attempts]
    for row in rows:
        assert "fresh-t0ken" not in str([row.request, row.response, row.assertions, row.error])
    assert "fresh-t0ken" not in str([done["login"].extracted, done.execution.error])
    assert done["use"].whole_response["body"]["query"] == {"t": "fresh-t0ken"}


def test_items_of_one_run_keep_the_first_and_last_response(run: RunFlow) -> None:
    done = run(
        """
        steps:
          - {name: one, stepType: http, forEach: [1, 2, 3, 4, 5], meta: {url: '${base_url}/echo?n=${item}'}}
        """
    )
    attempts = StepAttempt.objects.filter(step__execution=done.execution).order_by("number")
    assert [attempt.response is not None for attempt in attempts] == [True, False, False, False, True]
    assert done["one"].response["count"] == 5


def test_sequence_has_no_gaps(run: RunFlow) -> None:
    done = run("steps: [{name: one, stepType: http, meta: {url: '${base_url}/echo'}}]")
    # began, step started, step ended, completed
    assert done.execution.sequence == 4
