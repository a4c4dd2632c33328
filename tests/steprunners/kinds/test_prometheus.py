"""The prometheus step against a real Prometheus with known samples, and a wrong one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from steprunners.assertions.evaluation import evaluate_all
from steprunners.errors import BadConfig, DeadlineExceeded, Refused, StepError
from steprunners.kinds.prometheus import PrometheusConfig, PrometheusConnection, PrometheusRunner
from steprunners.references.resolution import Grammar, Scope, resolve
from steprunners.runner import ExecutionFacts, Finished
from tests.servers.monitoring_fixtures import EPOCH, HOSTILE
from tests.steprunners.conftest import MakeContext
from tests.steprunners.target import Exchange, Target

RUNNER = PrometheusRunner()
START = EPOCH * 1000
WHOLE = {"startTime": START, "endTime": START + 600_000}
FIRST_HALF = {"startTime": START, "endTime": START + 270_000}
SECOND_HALF = {"startTime": START + 300_000, "endTime": START + 570_000}


def config(**meta: Any) -> PrometheusConfig:
    given = {"resourceId": "p", "query": "shop_ramp", "duration1": WHOLE, **meta}
    return PrometheusConfig.model_validate(given)


def ask(make_context: MakeContext, url: str, **meta: Any) -> dict[str, Any]:
    outcome = RUNNER.run(config(**meta), make_context(connection=PrometheusConnection(url=url)))
    assert isinstance(outcome, Finished)
    json.dumps(outcome.result, allow_nan=False)
    return outcome.result


class TestOneWindow:
    def test_both_ends_are_inclusive(self, make_context: MakeContext, prometheus_url: str) -> None:
        result = ask(make_context, prometheus_url)
        (series,) = result["duration1Results"]
        assert (series["metric"], series["labels"]) == ("shop_ramp", {"path": "/a"})
        assert series["values"][0] == {"timestamp": START, "value": 0.1}
        assert series["values"][-1] == {"timestamp": START + 600_000, "value": 2.1}
        assert (series["count"], series["coverage"], series["min"], series["max"]) == (21, 1.0, 0.1, 2.1)
        assert series["aggregatedValue"] == pytest.approx(1.1)
        assert result["warnings"] == []
        assert "comparison" not in result
        assert "duration2Results" not in result

    @pytest.mark.parametrize(
        ("aggregation", "expected"),
        [("AVG", 1.1), ("max", 2.1), ("min", 0.1), ("sum", 23.1), ("last", 2.1), ("p95", 2.0)],
    )
    def test_aggregations(
        self, make_context: MakeContext, prometheus_url: str, aggregation: str, expected: float
    ) -> None:
        result = ask(make_context, prometheus_url, aggregation=aggregation)
        assert result["duration1Results"][0]["aggregatedValue"] == pytest.approx(expected)

    def test_nan_and_infinities_are_dropped_and_counted(
        self, make_context: MakeContext, prometheus_url: str
    ) -> None:
        window = {"startTime": START, "endTime": START + 120_000}
        result = ask(make_context, prometheus_url, query="shop_gaps", duration1=window)
        (series,) = result["duration1Results"]
        assert [each["value"] for each in series["values"]] == [1, 3]
        assert series["coverage"] == 0.4
        assert result["warnings"] == ["duration1: 3 samples that are NaN or infinite were dropped"]

    def test_only_nan(self, make_context: MakeContext, prometheus_url: str) -> None:
        result = ask(make_context, prometheus_url, query="0 / (shop_flat * 0)")
        (series,) = result["duration1Results"]
        assert (series["aggregatedValue"], series["min"], series["count"], series["metric"]) == (
            None,
            None,
            0,
            "",
        )

    def test_a_scalar_is_one_series_without_labels(
        self, make_context: MakeContext, prometheus_url: str
    ) -> None:
        assert ask(make_context, prometheus_url, query="3 * 2")["duration1Results"][0]["aggregatedValue"] == 6

    def test_no_series(self, make_context: MakeContext, prometheus_url: str) -> None:
        result = ask(make_context, prometheus_url, query="no_such_metric")
        assert result["duration1Results"] == []
        assert result["warnings"] == ["duration1: the query found no series"]

    def test_since_the_execution_began(self, make_context: MakeContext, prometheus_url: str) -> None:
        context = make_context(
            connection=PrometheusConnection(url=prometheus_url), execution=ExecutionFacts("x", START)
        )
        outcome = RUNNER.run(config(duration1={"endTime": START + 60_000}), context)
        assert isinstance(outcome, Finished)
        assert outcome.result["duration1Results"][0]["count"] == 3  # type: ignore[call-overload, index] # a list of objects

    def test_relative_to_now(self, make_context: MakeContext, prometheus_url: str) -> None:
        result = ask(
            make_context, prometheus_url, query="shop_latency_seconds", duration1={"relativeTime": "5m"}
        )
        assert result["duration1Results"][0]["count"] == 11


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_value_finds_exactly_itself(
    make_context: MakeContext, prometheus_url: str, text: str
) -> None:
    query = resolve(
        'shop_hostile{value="${text}"}', Scope(variables={"text": text}), lambda *_: Grammar.LABEL
    )
    result = ask(make_context, prometheus_url, query=query, duration1={"startTime": START, "endTime": START})
    assert [series["labels"]["value"] for series in result["duration1Results"]] == [text]


class TestComparison:
    def test_an_anomaly_fails_the_step_and_says_why(
        self, make_context: MakeContext, prometheus_url: str
    ) -> None:
        meta: dict[str, Any] = {"duration1": FIRST_HALF, "duration2": SECOND_HALF, "comparison": {}}
        result = ask(make_context, prometheus_url, **meta)
        # 0.1 … 1.0 and 1.1 … 2.0: means 0.55 and 1.55.
        assert result["comparison"]["percentageChange"] == pytest.approx(100 / 0.55)
        assert result["comparison"]["verdict"] == "HIGH"
        (judged,) = evaluate_all(RUNNER.expectations(config(**meta), frozenset()), result)
        assert not judged.passed
        assert 'shop_ramp{path="/a"}: the avg rose by 181.8 %' in str(judged.actual_value)

    def test_mann_whitney(self, make_context: MakeContext, prometheus_url: str) -> None:
        result = ask(
            make_context,
            prometheus_url,
            duration1=FIRST_HALF,
            duration2=SECOND_HALF,
            comparison={"mode": "MANN_WHITNEY"},
        )
        (series,) = result["comparison"]["series"]
        assert series["pValue"] == pytest.approx(2 / 184_756)  # C(20, 10)
        assert series["effectSize"] == 1

    def test_without_a_comparison_an_anomaly_is_a_warning(
        self, make_context: MakeContext, prometheus_url: str
    ) -> None:
        meta: dict[str, Any] = {"duration1": FIRST_HALF, "duration2": SECOND_HALF}
        result = ask(make_context, prometheus_url, **meta)
        assert result["comparison"]["anomalyDetected"] is True
        assert any(text.startswith("anomaly: ") for text in result["warnings"])
        assert RUNNER.expectations(config(**meta), frozenset()) == []

    def test_a_quiet_metric_passes(self, make_context: MakeContext, prometheus_url: str) -> None:
        meta: dict[str, Any] = {
            "query": "shop_flat",
            "duration1": FIRST_HALF,
            "duration2": SECOND_HALF,
            "comparison": {},
        }
        result = ask(make_context, prometheus_url, **meta)
        assert result["comparison"]["verdict"] == "PASS"
        assert [
            each.passed for each in evaluate_all(RUNNER.expectations(config(**meta), frozenset()), result)
        ] == [True]
        assert result["warnings"] == []

    def test_unequal_windows_and_missing_series_are_told(
        self, make_context: MakeContext, prometheus_url: str
    ) -> None:
        later = {"startTime": START + 3_600_000, "endTime": START + 3_700_000}
        result = ask(make_context, prometheus_url, duration2=later, comparison={})
        assert result["comparison"]["verdict"] == "NO_DATA"
        assert result["comparison"]["missingSeries"] == [{"metric": "shop_ramp", "labels": {"path": "/a"}}]
        assert result["warnings"] == [
            "duration2: the query found no series",
            "1 series of duration1 are missing in duration2",
            "the windows have different lengths (600000 and 100000 ms), which changes a sum or a maximum",
            "the comparison's verdict is NO_DATA: there is too little data to judge",
        ]


class TestRefusals:
    def test_a_broken_query(self, make_context: MakeContext, prometheus_url: str) -> None:
        with pytest.raises(Refused, match=r"refuses the query \(400\): bad_data: .*parse error"):
            ask(make_context, prometheus_url, query="shop_ramp{")

    def test_a_query_that_cannot_be_carried_out(self, make_context: MakeContext, prometheus_url: str) -> None:
        with pytest.raises(Refused, match=r"\(422\): execution: .*many-to-many"):
            ask(make_context, prometheus_url, query="shop_hostile * on (job) shop_hostile",
                duration1={"startTime": START, "endTime": START})  # fmt: skip

    def test_a_wrong_password(self, make_context: MakeContext, prometheus_with_login: str) -> None:
        connection = PrometheusConnection(url=prometheus_with_login, username="tester", password="wrong-one")
        with pytest.raises(Refused, match="refuses the login"):
            RUNNER.run(config(), make_context(connection=connection))

    @pytest.mark.parametrize(("steps", "refused"), [(11_000, False), (11_001, True)])
    def test_too_many_points_are_refused_as_prometheus_does(
        self, make_context: MakeContext, prometheus_url: str, steps: int, refused: bool
    ) -> None:
        window = {"startTime": START, "endTime": START + steps * 1000}
        if refused:
            with pytest.raises(BadConfig, match=r"meta\.duration1 has 11,002 points .* use a step of 2s"):
                ask(make_context, prometheus_url, duration1=window, step="1s")
        else:
            assert ask(make_context, prometheus_url, duration1=window, step="1s")["duration1Results"]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"query": ""}, {"step": "0s"}, {"step": "fast"}, {"aggregation": "median"}, {"comparison": {}},
            {"duration1": {"relativeTime": "5m", "endTime": START}}, {"duration1": "15m"}, {"resourceId": ""},
        ],
    )  # fmt: skip
    def test_meta_is_checked(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            config(**wrong)


class TestWrongServers:
    @pytest.mark.parametrize(
        "answer",
        [
            {"status": "success"},
            {"status": "success", "data": []},
            {"status": "success", "data": {"resultType": "vector", "result": []}},
            {
                "status": "success",
                "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]},
            },
            {
                "status": "success",
                "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "x"]]}]},
            },
            {"status": "success", "data": {"resultType": "matrix", "result": [{"values": []}]}},
            {"status": "success", "data": {"resultType": "matrix", "result": [7]}},
            {"status": "success", "data": {"resultType": "matrix", "result": None}},
        ],
    )
    def test_an_answer_that_is_no_matrix(
        self, make_context: MakeContext, target: Target, answer: Any
    ) -> None:
        target.route("/api/v1/query_range", lambda exchange: exchange.reply_json(answer))
        with pytest.raises(StepError) as caught:
            ask(make_context, target.url)
        assert caught.value.code == "bad_response"

    def test_warnings_of_the_server_are_shown(self, make_context: MakeContext, target: Target) -> None:
        series = {"metric": {"__name__": "x"}, "histograms": [[1, {}]]}
        answer = {
            "status": "success",
            "data": {"resultType": "matrix", "result": [series]},
            "warnings": ["a store is down"],
            "infos": ["no counter"],
        }
        target.route("/api/v1/query_range", lambda exchange: exchange.reply_json(answer))
        assert ask(make_context, target.url)["warnings"] == [
            "a store is down",
            "no counter",
            "native histograms have no single value and are left out",
        ]

    def test_a_server_that_hangs_in_the_second_window(
        self, make_context: MakeContext, target: Target
    ) -> None:
        def once(exchange: Exchange) -> None:
            if len(target.received) > 1:
                exchange.hang()
            exchange.reply_json({"status": "success", "data": {"resultType": "matrix", "result": []}})

        target.route("/api/v1/query_range", once)
        context = make_context(0.4, connection=PrometheusConnection(url=target.url))
        with pytest.raises(DeadlineExceeded):
            RUNNER.run(config(duration2=WHOLE), context)
        assert "timeout=" in target.received[0].path
