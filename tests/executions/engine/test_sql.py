"""sql steps inside executions: resource, parameters, extract, masking, until, cancel, refusals in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import Team, User
from asynctester.embedded.processes import wait_until
from executions.engine.cancel import cancel_execution
from executions.models import Execution
from flows.problems import FlowInvalid
from resources.services import save_resource
from tests.executions.engine.conftest import Run, finish
from tests.servers.database_fixtures import Database

RunFlow = Callable[..., Run]

# Not SQLite: the worker has no SQLITE_FOLDER, as in production.
pytestmark = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)


@pytest.fixture(autouse=True)
def shop_database(team: Team, alice: User, database: Database) -> Database:
    """The resource of the flows."""
    config = database.connection.model_dump(by_alias=True, exclude_none=True)
    save_resource(team=team, user=alice, name="shop-db", type="sql", config=config)
    return database


def test_values_travel_from_step_to_step(run: RunFlow, shop_database: Database) -> None:
    done = run("""
        steps:
          - {name: find, stepType: sql, meta: {resourceId: shop-db, expectedRowCount: 1,
             query: "SELECT id, total FROM orders WHERE status = :status", parameters: {status: PAID}},
             extract: {order: rows.0.id},
             assertions: [{field: rows.0.total, operator: gt, expectedValue: 19.8}]}
          - {name: change, stepType: sql-db, meta: {resourceId: shop-db, readOnly: false,
             query: "UPDATE orders SET status = :new WHERE id = :id",
             parameters: {id: "${order}", new: "it's ${find.rows.0.id}"}},
             assertions: [{field: affectedRows, operator: equals, expectedValue: 1}]}
    """)
    assert done.statuses == {"find": "SUCCESS", "change": "SUCCESS"}
    assert shop_database.run("SELECT status FROM orders WHERE id = 1") == [("it's 1",)]


def test_a_list_of_an_earlier_step_is_looked_for(run: RunFlow) -> None:
    done = run("""
        steps:
          - {name: open, stepType: sql, meta: {resourceId: shop-db,
             query: "SELECT id, total FROM orders WHERE status IN (:states) ORDER BY id",
             parameters: {states: [OPEN, LOST]}}, extract: {ids: "$.rows[*].id"}}
          - {name: others, stepType: sql, meta: {resourceId: shop-db,
             query: "SELECT id FROM orders WHERE id NOT IN (:ids)", parameters: {ids: "${ids}"}},
             assertions: [{field: rows, operator: equals, expectedValue: [{id: 1}]}]}
          - {name: totals, stepType: sql, meta: {resourceId: shop-db,
             query: "SELECT id FROM orders WHERE total IN (:totals)",
             parameters: {totals: ["${open.rows.0.total}", {type: decimal, value: "19.9"}]}, expectedRowCount: 2}}
          - {name: none, stepType: sql, meta: {resourceId: shop-db, expectedRowCount: 0,
             query: "SELECT id FROM orders WHERE id IN (:ids)", parameters: {ids: []}}}
    """)
    assert done.statuses == {"open": "SUCCESS", "others": "SUCCESS", "totals": "SUCCESS", "none": "SUCCESS"}


def test_a_value_inside_a_query_is_refused(run: RunFlow) -> None:
    with pytest.raises(FlowInvalid, match="write :name"):
        run("""
            steps:
              - {name: quoted, stepType: sql, meta: {resourceId: shop-db,
                 query: "SELECT * FROM orders WHERE id = ${base_url}"}}
        """)


def test_problems_are_reported(run: RunFlow, shop_database: Database) -> None:
    done = run("""
        steps:
          - {name: counted, stepType: sql, continueOnFailure: true, meta: {resourceId: shop-db,
             query: "SELECT * FROM orders", expectedRowCount: 2}}
          - {name: missing, stepType: sql, continueOnFailure: true, meta: {resourceId: shop-db,
             query: "SELECT * FROM shpo"}}
    """)
    assert done.statuses == {"counted": "FAILED", "missing": "ERROR"}
    assert "rowCount is 3" in str(done["counted"].assertions)
    assert "shpo" in done["missing"].error["message"]


def test_passwords_are_masked(run: RunFlow, shop_database: Database) -> None:
    password = shop_database.connection.password
    done = run(f"""
        steps:
          - {{name: shown, stepType: sql, meta: {{resourceId: shop-db, query: "SELECT '{password}' AS password"}}}}
    """)
    assert done["shown"].response["rows"] == [{"password": "••••••"}]


#: A call that takes longer than a test waits for an end, and how many of it the server works at.
RUNNING = {
    "postgresql": ("pg_sleep(90)", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"),
    "mariadb": (
        "sleep(90)",
        "SELECT count(*) FROM information_schema.processlist "
        "WHERE info LIKE '%sleep(90)%' AND id <> connection_id()",
    ),
}


def test_a_running_query_is_cancelled(
    start: Callable[..., Execution], alice: User, shop_database: Database
) -> None:
    sleep, running = RUNNING[shop_database.connection.engine]
    execution = start(f"""
        steps:
          - {{name: slow, stepType: sql, meta: {{resourceId: shop-db, query: "SELECT {sleep}"}}, timeoutMs: 90000}}
    """)
    assert wait_until(lambda: shop_database.run(running) == [(1,)], within=30)
    cancel_execution(execution)
    assert finish(execution).statuses == {"slow": "CANCELLED"}  # long before the query's own end
