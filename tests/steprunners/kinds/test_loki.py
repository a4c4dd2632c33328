"""The loki step against a Loki (the stand-in, or LOKI_URL), and wrong servers."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from steprunners.deadline import Deadline
from steprunners.errors import BadConfig, DeadlineExceeded, Refused, StepError
from steprunners.kinds.loki import LokiConfig, LokiConnection, LokiRunner
from steprunners.references.resolution import Grammar, Scope, resolve
from steprunners.runner import ExecutionFacts, Finished
from tests.servers.loki import Store, start_loki
from tests.servers.monitoring_fixtures import HOSTILE, push
from tests.steprunners.conftest import LOOPBACK, MakeContext
from tests.steprunners.target import Exchange, Target

RUNNER = LokiRunner()
MS = 1_000_000
PATH = "/loki/api/v1/query_range"


def config(**meta: Any) -> LokiConfig:
    return LokiConfig.model_validate({"resourceId": "l", **meta})


def ask(
    make_context: MakeContext, connection: LokiConnection | str, began_ms: int = 0, **meta: Any
) -> dict[str, Any]:
    if isinstance(connection, str):
        connection = LokiConnection(url=connection)
    context = make_context(connection=connection, execution=ExecutionFacts("x", began_ms))
    outcome = RUNNER.run(config(**meta), context)
    assert isinstance(outcome, Finished)
    json.dumps(outcome.result, allow_nan=False)
    return outcome.result


def texts(result: dict[str, Any]) -> list[str]:
    return [line["line"] for line in result["logLines"]]


@pytest.fixture
def app() -> str:
    """A label value that no other test has."""
    return f"app-{uuid.uuid4()}"


@pytest.fixture
def now_ms() -> int:
    return time.time_ns() // MS


@pytest.fixture
def held() -> Iterator[tuple[str, Store]]:
    """The stand-in, its URL and what it holds and was asked."""
    server, url, store = start_loki()
    yield url, store
    server.shutdown()
    server.server_close()


class TestFinding:
    def test_labels_and_patterns(
        self, make_context: MakeContext, loki_url: str, app: str, now_ms: int
    ) -> None:
        lines = [
            ("order 1 paid", {"app": app, "level": "info"}),
            ("order 1 paid again", {"app": app, "level": "info"}),
            ("order 1 paid", {"app": app, "level": "error"}),
            ("order 2 paid", {"app": app, "level": "info"}),
        ]
        push(
            loki_url,
            [((now_ms - 9 + index) * MS, labels, text) for index, (text, labels) in enumerate(lines)],
        )
        result = ask(
            make_context,
            loki_url,
            labels={"app": app, "level": "info"},
            containsPatterns=["order 1", "paid"],
            notContainsPatterns="again",
            relativeTime="5m",
        )
        (line,) = result["logLines"]
        assert (line["timestamp"], line["line"]) == (now_ms - 9, "order 1 paid")
        assert line["labels"].items() >= {"app": app, "level": "info"}.items()
        assert (result["matchCount"], result["limitReached"], result["warnings"]) == (1, False, [])
        assert result["query"] == f'{{app="{app}", level="info"}} |= "order 1" |= "paid" != "again"'
        assert isinstance(result["scannedBytes"], int)

    def test_nothing(self, make_context: MakeContext, loki_url: str, app: str) -> None:
        result = ask(make_context, loki_url, labels={"app": app}, relativeTime="5m")
        assert (result["logLines"], result["matchCount"]) == ([], 0)

    def test_streams_are_merged_oldest_first(
        self, make_context: MakeContext, loki_url: str, app: str, now_ms: int
    ) -> None:
        push(
            loki_url,
            [
                ((now_ms - 100 + index) * MS, {"app": app, "pod": str(index % 3)}, str(index))
                for index in range(20)
            ],
        )
        result = ask(make_context, loki_url, labels={"app": app}, relativeTime="5m")
        assert texts(result) == [str(index) for index in range(20)]

    @pytest.mark.parametrize("text", HOSTILE)
    def test_a_text_finds_exactly_itself(
        self, make_context: MakeContext, loki_url: str, app: str, now_ms: int, text: str
    ) -> None:
        push(loki_url, [(now_ms * MS, {"app": app, "value": each}, f"<{each}>") for each in HOSTILE])
        by_label = ask(make_context, loki_url, labels={"app": app, "value": text}, relativeTime="5m")
        assert texts(by_label) == [f"<{text}>"]
        by_line = ask(
            make_context, loki_url, labels={"app": app}, containsPatterns=[f"<{text}>"], relativeTime="5m"
        )
        assert texts(by_line) == [f"<{text}>"]
        raw = resolve(
            '{app="${app}", value="${text}"}',
            Scope(variables={"app": app, "text": text}),
            lambda *_: Grammar.LABEL,
        )
        assert texts(ask(make_context, loki_url, query=raw, relativeTime="5m")) == [f"<{text}>"]


class TestTimes:
    def test_the_start_is_inclusive_and_the_end_exclusive(
        self, make_context: MakeContext, loki_url: str, app: str, now_ms: int
    ) -> None:
        start, end = now_ms - 1_000, now_ms - 500
        for at in (start * MS - 1, start * MS, end * MS - 1, end * MS):
            push(loki_url, [(at, {"app": app}, str(at))])
        result = ask(make_context, loki_url, labels={"app": app}, startTime=start, endTime=end)
        assert texts(result) == [str(start * MS), str(end * MS - 1)]
        assert [line["timestamp"] for line in result["logLines"]] == [start, end - 1]

    def test_since_the_execution_began(
        self, make_context: MakeContext, loki_url: str, app: str, now_ms: int
    ) -> None:
        push(
            loki_url, [((now_ms - 2_000) * MS, {"app": app}, "before"), (now_ms * MS, {"app": app}, "after")]
        )
        assert texts(ask(make_context, loki_url, now_ms - 1_000, labels={"app": app})) == ["after"]

    def test_times_go_out_as_nanoseconds(
        self, make_context: MakeContext, held: tuple[str, Store], now_ms: int
    ) -> None:
        url, store = held
        ask(make_context, url, labels={"app": "x"}, startTime=now_ms - 1, endTime=now_ms)
        (asked,) = store.requests
        assert (asked["start"], asked["end"]) == (f"{now_ms - 1}000000", f"{now_ms}000000")
        assert (asked["direction"], asked["limit"]) == ("forward", "1000")


class TestPages:
    def test_they_are_fetched_up_to_the_limit(
        self, make_context: MakeContext, held: tuple[str, Store], now_ms: int
    ) -> None:
        url, store = held
        at = (now_ms - 60_000) * MS
        # Two lines a nanosecond over two streams, so that pages end in the middle of one.
        push(
            url,
            [(at + index // 2, {"app": "x", "pod": str(index % 2)}, str(index)) for index in range(3_501)],
        )
        result = ask(make_context, url, labels={"app": "x"}, relativeTime="5m", limit=50_000)
        assert sorted(map(int, texts(result))) == list(range(3_501))
        assert [int(text) // 2 for text in texts(result)] == [index // 2 for index in range(3_501)]
        assert len(store.requests) == 4
        assert result["scannedBytes"] == 4 * sum(len(str(index)) for index in range(3_501))
        cut = ask(make_context, url, labels={"app": "x"}, relativeTime="5m", limit=1_500)
        assert (cut["matchCount"], cut["limitReached"]) == (1_500, True)
        assert texts(cut) == texts(result)[:1_500]

    def test_no_more_than_the_organisation_may(
        self, make_context: MakeContext, held: tuple[str, Store], now_ms: int
    ) -> None:
        url, _ = held
        push(url, [((now_ms - 60_000) * MS, {"app": "x"}, str(index)) for index in range(5)])
        context = make_context(connection=LokiConnection(url=url), network=replace(LOOPBACK, max_rows=3))
        outcome = RUNNER.run(config(labels={"app": "x"}, relativeTime="5m"), context)
        assert isinstance(outcome, Finished)
        assert (outcome.result["matchCount"], outcome.result["limitReached"]) == (3, True)
        with pytest.raises(BadConfig, match=r"meta\.limit: the organisation's limit is 3"):
            RUNNER.run(config(labels={"app": "x"}, relativeTime="5m", limit=4), context)

    @pytest.mark.parametrize(
        ("count", "allowed", "found"),
        [
            (4_000, 5_000, 4_000), (7_000, 5_000, 5_000), (7_000, 10_000, 7_000), (7_000, 0, 7_000),
            (1_500, 2_000, 1_500), (1_200, 500, 500), (400, 500, 400),
        ],
    )  # fmt: skip
    def test_many_lines_of_one_nanosecond(
        self,
        make_context: MakeContext,
        held: tuple[str, Store],
        now_ms: int,
        count: int,
        allowed: int,
        found: int,
    ) -> None:
        url, store = held
        store.max_entries = allowed
        at = (now_ms - 60_000) * MS
        push(url, [(at - 1, {"app": "x"}, "first")])
        push(url, [(at, {"app": "x"}, str(index)) for index in range(count)])
        push(url, [(at + 1, {"app": "x"}, "last")])
        result = ask(make_context, url, labels={"app": "x"}, relativeTime="5m", limit=20_000)
        assert (texts(result)[0], texts(result)[-1]) == ("first", "last")
        assert texts(result)[1:-1] == [str(index) for index in range(found)]
        assert (bool(result["warnings"]), result["limitReached"]) == (found < count, found < count)

    @pytest.mark.parametrize(
        ("limit", "found", "requests"), [(None, 1_000, 4), (5_000, 2_600, 7), (300, 300, 1), (501, 501, 3)]
    )
    def test_the_page_size_is_learned_from_the_refusal(
        self,
        make_context: MakeContext,
        held: tuple[str, Store],
        now_ms: int,
        limit: int | None,
        found: int,
        requests: int,
    ) -> None:
        url, store = held
        store.max_entries = 500
        at = (now_ms - 60_000) * MS
        push(url, [(at + index, {"app": "x"}, str(index)) for index in range(2_600)])
        meta = {} if limit is None else {"limit": limit}
        result = ask(make_context, url, labels={"app": "x"}, relativeTime="5m", **meta)
        assert texts(result) == [str(index) for index in range(found)]
        assert result["limitReached"] is (found < 2_600)
        assert len(store.requests) == requests
        assert result["warnings"] == []

    @pytest.mark.parametrize(
        "text",
        [
            "max entries limit per query exceeded, limit > max_entries_limit (1000 > 500)",
            "max entries limit per query exceeded, limit > max_entries_limit_per_query (1000 > 500)",
        ],
    )
    def test_every_version_names_the_size_in_its_words(
        self, make_context: MakeContext, target: Target, text: str
    ) -> None:
        def answer(exchange: Exchange) -> None:
            if "limit=500&" in exchange.path:
                exchange.reply_json({"data": {"resultType": "streams", "result": []}})
            else:
                exchange.reply(400, text.encode(), [("Content-Type", "text/plain; charset=utf-8")])

        target.route(PATH, answer)
        assert ask(make_context, target.url, labels={"app": "x"}, relativeTime="5m")["matchCount"] == 0

    @pytest.mark.parametrize("allowed", [0, 1_000, 9_999])
    def test_a_refusal_that_makes_no_sense_is_told(
        self, make_context: MakeContext, target: Target, allowed: int
    ) -> None:
        text = f"limit > max_entries_limit_per_query (1000 > {allowed})"
        target.route(PATH, lambda exchange: exchange.reply(400, text.encode()))
        with pytest.raises(Refused, match="max_entries_limit_per_query"):
            ask(make_context, target.url, labels={"app": "x"}, relativeTime="5m")


class TestNamespaceAndTenant:
    @pytest.mark.parametrize(
        ("resource", "meta", "query"),
        [
            ("prod", {"labels": {"app": "x"}}, '{namespace="prod", app="x"}'),
            ("prod", {}, '{namespace="prod"}'),
            ("prod", {"namespace": "dev"}, '{namespace="dev"}'),
            ("prod", {"labels": {"namespace": "dev"}}, '{namespace="dev"}'),
            (None, {"namespace": "dev", "labels": {"app": "x"}}, '{namespace="dev", app="x"}'),
            ("prod", {"query": '{app="x"}'}, '{app="x"}'),
        ],
    )
    def test_the_namespace_is_a_label(
        self, make_context: MakeContext, loki_url: str, resource: str | None, meta: dict[str, Any], query: str
    ) -> None:
        connection = LokiConnection(url=loki_url, namespace=resource)
        assert ask(make_context, connection, relativeTime="5m", **meta)["query"] == query

    def test_a_tenant_sees_its_own_lines(
        self, make_context: MakeContext, tenants_loki: str, now_ms: int
    ) -> None:
        for tenant in ("red", "blue"):
            push(tenants_loki, [(now_ms * MS, {"app": "x"}, tenant)], tenant)
        connection = LokiConnection(url=tenants_loki, tenant="red")
        assert texts(ask(make_context, connection, labels={"app": "x"}, relativeTime="5m")) == ["red"]

    def test_a_missing_tenant_is_told(self, tenants_loki: str) -> None:
        with pytest.raises(Refused, match="tenant"):
            LokiRunner().check(LokiConnection(url=tenants_loki), LOOPBACK, Deadline(5))
        assert (
            LokiRunner().check(LokiConnection(url=tenants_loki, tenant="red"), LOOPBACK, Deadline(5))
            == "Loki answers queries"
        )


class TestRefusals:
    @pytest.mark.parametrize(
        ("meta", "told"),
        [
            ({}, "every line in Loki would match"),
            ({"containsPatterns": ["x"]}, "every line in Loki would match"),
            ({"query": '{app=~".*"}'}, "matches every stream"),
            ({"labels": {"a b": "x"}}, "is not a valid label name"),
            ({"namespace": "a", "labels": {"namespace": "b"}}, "are different"),
            (
                {"labels": {"app": "x"}, "startTime": 1_767_225_600_001, "endTime": 1_767_225_600_000},
                "is after endTime",
            ),
        ],
    )
    def test_before_anything_is_sent(
        self, make_context: MakeContext, target: Target, meta: dict[str, Any], told: str
    ) -> None:
        with pytest.raises(BadConfig, match=told):
            ask(
                make_context,
                target.url,
                **{"relativeTime": "5m", **meta} if "startTime" not in meta else meta,
            )
        assert target.received == []

    def test_a_broken_query(self, make_context: MakeContext, loki_url: str) -> None:
        with pytest.raises(Refused, match=r"Loki refuses the query \(400\): parse error at line 1"):
            ask(make_context, loki_url, query='{app="x"} |= nonsense', relativeTime="5m")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"limit": 0}, {"limit": 100_001}, {"containsPatterns": [""]}, {"query": ""}, {"relativeTime": "x"},
            {"query": '{a="b"}', "labels": {"c": "d"}}, {"query": '{a="b"}', "containsPatterns": "c"},
            {"relativeTime": "5m", "startTime": 1_767_225_600_000}, {"offset": "5m"}, {"resourceId": ""},
            {"labels": {"app": ["x"]}}, {"labels": {"app": {"x": 1}}},
        ],
    )  # fmt: skip
    def test_meta_is_checked(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            config(**wrong)

    def test_the_tenant_is_checked(self) -> None:
        with pytest.raises(ValidationError):
            LokiConnection(url="http://127.0.0.1", tenant="a\r\nX-Evil: 1")
        assert LokiConnection.secret_fields() == {"authToken", "password"}


class TestWrongServers:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            ({"resultType": "matrix", "result": []}, "bad_config"),
            ({"resultType": "tables", "result": []}, "bad_response"),
            ({"resultType": "streams", "result": [{"stream": {}, "values": [["x", "y"]]}]}, "bad_response"),
            ({"resultType": "streams", "result": [{"values": []}]}, "bad_response"),
            ({"resultType": "streams", "result": [{"stream": {}, "values": [["1"]]}]}, "bad_response"),
            ({"resultType": "streams", "result": None}, "ok"),
            ({"resultType": "streams"}, "bad_response"),
            ([], "bad_response"),
            (None, "bad_response"),
        ],
    )
    def test_an_answer_without_streams(
        self, make_context: MakeContext, target: Target, data: Any, code: str
    ) -> None:
        target.route(PATH, lambda exchange: exchange.reply_json({"status": "success", "data": data}))
        if code == "ok":
            assert ask(make_context, target.url, labels={"app": "x"}, relativeTime="5m")["matchCount"] == 0
            return
        with pytest.raises(StepError) as caught:
            ask(make_context, target.url, labels={"app": "x"}, relativeTime="5m")
        assert caught.value.code == code

    def test_a_server_that_hangs_after_the_first_page(
        self, make_context: MakeContext, target: Target
    ) -> None:
        def once(exchange: Exchange) -> None:
            if len(target.received) > 1:
                exchange.hang()
            values = [[str(index), "x"] for index in range(1_000)]
            data = {"resultType": "streams", "result": [{"stream": {}, "values": values}]}
            exchange.reply_json({"status": "success", "data": data})

        target.route(PATH, once)
        context = make_context(0.5, connection=LokiConnection(url=target.url))
        with pytest.raises(DeadlineExceeded):
            RUNNER.run(config(labels={"app": "x"}, relativeTime="5m", limit=5_000), context)

    def test_a_server_that_ignores_the_start_does_not_go_round_for_ever(
        self, make_context: MakeContext, target: Target
    ) -> None:
        values = [[str(index), str(index)] for index in range(1_000)]
        data = {"resultType": "streams", "result": [{"stream": {}, "values": values}]}
        target.route(PATH, lambda exchange: exchange.reply_json({"status": "success", "data": data}))
        result = ask(make_context, target.url, labels={"app": "x"}, relativeTime="5m", limit=5_000)
        assert result["limitReached"]
        assert len(target.received) <= 10
